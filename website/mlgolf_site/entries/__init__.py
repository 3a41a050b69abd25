"""What contestants hand in, and the runs of it."""

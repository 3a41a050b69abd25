"""What holds a training step back, what to try against it, and what another machine changes."""

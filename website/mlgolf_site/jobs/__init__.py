"""The queue and the workers: a job is a row with a lease, and no broker can lose it."""

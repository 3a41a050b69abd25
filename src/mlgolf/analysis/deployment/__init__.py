"""Is an exported model the same as in training, and fast enough? Arrays in, records out."""

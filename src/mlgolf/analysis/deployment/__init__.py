"""Is an exported model the same as in training, and fast enough? Pure: arrays and records in and out."""

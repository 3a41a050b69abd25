"""Pages: they draw what the other packages say, and compute nothing."""

"""NadamW: see README.md."""

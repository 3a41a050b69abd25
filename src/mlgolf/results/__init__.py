"""The log format: where running and understanding meet. Files in, records out, and back."""

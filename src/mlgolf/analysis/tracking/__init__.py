"""Runs and trials as rows: which are wanted, what differs between them, where losses spike."""

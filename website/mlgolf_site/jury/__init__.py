"""Challenges against entries, and the rulings of a jury."""

"""Competitions that the site runs: their versions of the rules, and a board for each cell."""

"""Leaderboards, made by the library from results of runs, and kept as snapshots for pages."""

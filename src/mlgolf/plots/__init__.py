"""Figures and the tables they are drawn from: each chart is a function of one polars table."""

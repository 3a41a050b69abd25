"""How much less a fixed result takes than years ago: the record over time, its trend, what misleads.

Pure functions of entries: a name, a date, and what it took to reach the target.
"""

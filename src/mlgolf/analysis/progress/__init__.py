"""How much less a fixed result takes than years ago: its record, the trend, what misleads.

Pure functions of entries: a name, a date, and what it took to reach the target.
"""

"""The website of ML Golf: people, permissions, a queue and pages around the library.

Every rule, verdict, score and figure comes from `mlgolf`. Nothing in `mlgolf` imports this.
"""

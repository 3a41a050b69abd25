"""ML Golf: measures, and runs competitions in, training efficiency."""

__version__ = "0.1.0"

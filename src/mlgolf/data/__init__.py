"""Data on disk: readers of published raw formats, generators of small raw data, checksums.

Everything here speaks numpy, so that every framework trains on the same bytes. `layout.py` says
where datasets lie and makes, prepares and checks them for a command line.
"""

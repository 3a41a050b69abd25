"""What every new site holds: the competitions that ship, and bundles of runs of their baselines.

`website/play_shipped.py` makes the bundles, CONTEST--ENTRY.mlgolf.zip, and
CONTEST@BOARD--ENTRY.mlgolf.zip of a board other than the main one. No two entries of a
competition have the same name.
"""

CONTESTS = (
    "cancer-nuclear", "digits-l2", "digits-nonzeros", "python-bits", "speed-run",
    "smallest-loss", "parameter-golf", "mini",
)  # in the order in which they are made

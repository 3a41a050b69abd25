"""What pages show of a leaderboard, written down once for every reader."""

from django.db import models

from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Entry


class Snapshot(models.Model):
    """A leaderboard as it was after some change of its board."""

    board = models.ForeignKey(Board, models.CASCADE, related_name="snapshots")
    of_change = models.PositiveBigIntegerField()  # `Board.changes` when its results were read
    made = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField()  # that it took to make
    runs = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    view = models.JSONField()  # mlgolf.report.view.BoardView without its rows
    tiers = models.JSONField(default=list)  # who played its runs, in words, and how many of them
    record = models.JSONField(default=list)  # steps of the history of the record, oldest first
    # Drawn after the table is shown: until then those of the leaderboard before stand here, and
    # `view["figures"]` has all of them but the drawings.
    figures = models.JSONField(default=dict)  # name -> svg in the light colours
    is_drawn = models.BooleanField(default=False)  # the figures are of these results
    drawn = models.DateTimeField(null=True)  # when figures of its board were last drawn

    class Meta:
        ordering = ["-pk"]


class Standing(models.Model):
    """One row of a leaderboard."""

    snapshot = models.ForeignKey(Snapshot, models.CASCADE, related_name="standings")
    place = models.PositiveIntegerField()  # from 1, in the order of the board
    rank = models.CharField(max_length=12)  # shared by who cannot be told apart
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="standings")
    value = models.FloatField(null=True)  # of the objective, where there is one
    view = models.JSONField()  # mlgolf.report.view.RowView

    class Meta:
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["snapshot", "place"], name="one_place")]

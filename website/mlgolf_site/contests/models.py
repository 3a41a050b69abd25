"""A contest is one competition on this site, in versions: a change of the rules is a new one."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from mlgolf.core.cells import SEPARATOR
from mlgolf.core.competition import Competition, load_competition
from mlgolf_site.people.models import User

TUNING_IN_WORDS = {"external": "external tuning", "self": "self-tuning"}
FRAMEWORK_IN_WORDS = {"torch": "PyTorch", "jax": "JAX"}


class CodeShown(models.TextChoices):
    """When everybody sees the code of an entry. Its owners may show it at any time."""

    OWNER = "owner", "when its owners say so"
    CLOSED = "closed", "when the competition has closed"
    AT_ONCE = "at once", "at once"


class Contest(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    prose = models.TextField(blank=True, help_text="The host's own words, in Markdown.")
    hosts = models.ManyToManyField(User, related_name="contests", blank=True)
    jury = models.ManyToManyField(User, related_name="judged_contests", blank=True)
    is_public = models.BooleanField(default=True)
    code_shown = models.CharField(
        max_length=10, choices=CodeShown, default=CodeShown.OWNER,
        help_text="Said before anybody submits, so it can be changed until somebody has.",
    )
    created = models.DateTimeField(auto_now_add=True)
    # Until then results are for hosts and jury, and those of an entry for its owners.
    results_hidden_until = models.DateTimeField(null=True, blank=True)
    final_after = models.DateTimeField(null=True, blank=True)  # runs that end later count nowhere
    edits = models.PositiveIntegerField(default=0)  # how often a host changed what stands above

    class Meta:
        ordering = ["slug"]

    def get_absolute_url(self) -> str:
        return reverse("contest", args=[self.slug])

    @property
    def hides_results(self) -> bool:
        """Whether results are for insiders alone now."""
        return self.results_hidden_until is not None and timezone.now() < self.results_hidden_until

    @property
    def is_final(self) -> bool:
        return self.final_after is not None and timezone.now() >= self.final_after

    @property
    def has_closed(self) -> bool:
        """By the rules that hold now: a version before may have closed earlier than these do."""
        closes = self.current.competition.closes
        return self.is_final or (closes is not None and closes < timezone.now().date())

    @property
    def current(self) -> "Version":
        """The version that entries are made for now."""
        return self.versions.latest()

    def __str__(self) -> str:
        return self.slug


class Edit(models.Model):
    """What a host changed of a contest at one time."""

    contest = models.ForeignKey(Contest, models.CASCADE, related_name="edited")
    number = models.PositiveIntegerField()  # `Contest.edits` after it
    by = models.ForeignKey(User, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now_add=True)
    changes = models.JSONField()  # by field: what it was, and what it is

    class Meta:
        ordering = ["contest", "-number"]
        constraints = [models.UniqueConstraint(fields=["contest", "number"], name="one_edit")]


class Announcement(models.Model):
    """A host's words on the page of a contest, with their date. They are sent to nobody."""

    contest = models.ForeignKey(Contest, models.CASCADE, related_name="announcements")
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="In Markdown.")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.SET_NULL, null=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.title


class Version(models.Model):
    """The rules and the data of a contest, as a folder that never changes again."""

    contest = models.ForeignKey(Contest, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    folder_sha256 = models.CharField(max_length=64)  # over all its files but rulings
    rules_sha256 = models.CharField(max_length=64)
    created = models.DateTimeField(auto_now_add=True)
    note = models.CharField(max_length=500, blank=True)  # what was changed, for who reads

    class Meta:
        ordering = ["contest", "number"]
        get_latest_by = "number"
        constraints = [models.UniqueConstraint(fields=["contest", "number"], name="one_version")]

    @property
    def folder(self) -> Path:
        """Where its files lie on this machine."""
        return settings.SITE.files / "competitions" / self.contest.slug / f"v{self.number}"

    @property
    def competition(self) -> Competition:
        """Without a cell."""
        return _loaded(self.folder, self.folder_sha256)

    def __str__(self) -> str:
        return f"{self.contest.slug} v{self.number}"


@lru_cache(maxsize=256)
def _loaded(folder: Path, folder_sha256: str) -> Competition:
    return load_competition(folder)


class Board(models.Model):
    """A leaderboard of its own: a cell of a version, a way of tuning, and, where the rules do not
    compare times of different frameworks, a framework."""

    LARGE = ("snapshot__view", "snapshot__record", "snapshot__figures")  # read for who shows them

    version = models.ForeignKey(Version, models.PROTECT, related_name="boards")
    name = models.CharField(max_length=120, blank=True)  # in its version; empty: the main one
    cell = models.CharField(max_length=100, blank=True)  # empty: the competition itself
    hardware = models.CharField(max_length=60)
    time_class = models.CharField(max_length=30)
    pretraining = models.CharField(max_length=200)
    ruleset = models.CharField(max_length=10)
    framework = models.CharField(max_length=10, blank=True)  # empty: all are compared
    # Counts up whenever something happens that its leaderboard shows; a snapshot says of which.
    changes = models.PositiveBigIntegerField(default=0)
    snapshot = models.OneToOneField(
        "boards.Snapshot", models.SET_NULL, null=True, blank=True, related_name="shown_on"
    )

    class Meta:
        ordering = ["version", "name"]
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="one_board")]

    @property
    def competition(self) -> Competition:
        rules = self.version.competition
        return rules.in_cell(self.cell) if self.cell else rules

    @property
    def called(self) -> str:
        """As `mlgolf run --competition` is told of it, where its folder is called as it is."""
        slug = self.version.contest.slug
        return f"{slug}{SEPARATOR}{self.cell}" if self.cell else slug

    def get_absolute_url(self) -> str:
        page = reverse("contest", args=[self.version.contest.slug])
        return f"{page}?board={self.name}" if self.name else page

    @property
    def in_words(self) -> str:
        """How entries are tuned and, where it matters, in which framework they are."""
        return ", ".join(filter(None, (
            TUNING_IN_WORDS[self.ruleset], FRAMEWORK_IN_WORDS.get(self.framework, "")
        )))

    def in_framework(self, framework: str) -> "Board":
        """The board that an entry of this framework stands on, of the same class."""
        if self.framework in ("", framework):
            return self
        return self.version.boards.get(
            cell=self.cell, ruleset=self.ruleset, framework=framework
        )

    def has_changed(self) -> None:
        """Its leaderboard is to be made anew."""
        Board.objects.filter(pk=self.pk).update(changes=models.F("changes") + 1)

    def __str__(self) -> str:
        return f"{self.version}{SEPARATOR}{self.name}" if self.name else str(self.version)

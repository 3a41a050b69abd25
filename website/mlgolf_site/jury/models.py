"""A challenge doubts an entry in public. What a jury decides is a file: see `rulings.py`."""

import uuid

from django.db import models
from django.urls import reverse
from django.utils import timezone

from mlgolf_site.contests.models import Contest
from mlgolf_site.entries.models import Entry
from mlgolf_site.people.models import User

LONGEST = 5000  # characters of what somebody says


class Challenge(models.Model):
    class State(models.TextChoices):
        OPEN = "open", "waits for a decision"
        DECIDED = "decided", "was decided"
        WITHDRAWN = "withdrawn", "was withdrawn"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="challenges")
    by = models.ForeignKey(User, models.PROTECT, related_name="challenges")
    doubt = models.TextField(max_length=LONGEST)  # Markdown, as all that people say
    evidence = models.TextField(max_length=LONGEST, blank=True)
    wants_repetition = models.BooleanField(default=False)
    has_file = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    created = models.DateTimeField(auto_now_add=True)
    deadline = models.DateTimeField()  # of the jury

    class Meta:
        ordering = ["-created", "-pk"]
        indexes = [models.Index(fields=["by", "state"])]

    def get_absolute_url(self) -> str:
        return reverse("challenge", args=[self.entry.contest.slug, self.key])

    @property
    def file(self) -> str:
        """Its evidence, in the site's files."""
        return f"challenges/{self.key}.txt"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.deadline < timezone.now()

    def __str__(self) -> str:
        return f"challenge of {self.by} against {self.entry}"


class Remark(models.Model):
    """An answer of whoever submitted the entry, or a comment of jury or hosts."""

    class Speaker(models.TextChoices):
        OWNER = "owner", "who submitted the entry"
        JURY = "jury", "member of the jury"
        HOST = "host", "host"
        ADMIN = "admin", "administrator"

    challenge = models.ForeignKey(Challenge, models.CASCADE, related_name="remarks")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    speaker = models.CharField(max_length=10, choices=Speaker)  # what they were then
    text = models.TextField(max_length=LONGEST)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "pk"]

    def __str__(self) -> str:
        return f"{self.by} on the {self.challenge}"


class Decision(models.Model):
    """Who wrote a ruling, and on which challenge; all else stands in its file."""

    contest = models.ForeignKey(Contest, models.PROTECT, related_name="decisions")
    ruling = models.CharField(max_length=60)  # its id
    challenge = models.OneToOneField(
        Challenge, models.PROTECT, null=True, blank=True, related_name="decision"
    )
    # None where nobody knows: it came with the competition, or a crash came between.
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    made = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made", "-pk"]
        constraints = [models.UniqueConstraint(fields=["contest", "ruling"], name="one_ruling")]

    def get_absolute_url(self) -> str:
        return reverse("ruling", args=[self.contest.slug, self.ruling])

    def __str__(self) -> str:
        return self.ruling

"""An entry is code that somebody handed in for a board; a run is one time that it was played."""

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from mlgolf_site.contests.models import Board, CodeShown, Contest
from mlgolf_site.people.models import Team, User

KEY = 40  # longest name of an entry


class Entry(models.Model):
    board = models.ForeignKey(Board, models.PROTECT, related_name="entries")
    contest = models.ForeignKey(Contest, models.PROTECT, related_name="entries")
    name = models.CharField(max_length=KEY)  # on boards; in run folders as well
    owner = models.ForeignKey(User, models.PROTECT, related_name="entries")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="entries")
    code_sha256 = models.CharField(max_length=64)  # as the referee hashes it when it freezes it
    framework = models.CharField(max_length=10, default="torch")
    based_on = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="improved"
    )
    disclosure = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    is_code_public = models.BooleanField(default=False)
    is_baseline = models.BooleanField(default=False)  # of the host: it counts for no limit

    class Meta:
        ordering = ["-created", "-pk"]
        constraints = [models.UniqueConstraint(fields=["contest", "name"], name="one_name")]
        indexes = [models.Index(fields=["owner", "created"])]

    def get_absolute_url(self) -> str:
        return reverse("entry", args=[self.contest.slug, self.name])

    @property
    def archive(self) -> str:
        """Its code in the site's files: a zip of a folder that has the name of the entry."""
        return f"code/{self.contest.slug}/{self.name}-{self.code_sha256}.zip"

    @property
    def shows_code(self) -> bool:
        """Whether everybody may see its code: its owners said so, or the competition does."""
        shown = self.contest.code_shown
        has_closed = shown == CodeShown.CLOSED and self.contest.has_closed
        return self.is_code_public or shown == CodeShown.AT_ONCE or has_closed

    @property
    def latest_run(self) -> "Run | None":
        return self.runs.select_related("job").order_by("-pk").first()

    def is_of(self, user: object) -> bool:
        """Whether somebody owns it, alone or in a team."""
        if not isinstance(user, User):
            return False
        return user == self.owner or (
            self.team is not None and self.team.members.filter(pk=user.pk).exists()
        )

    def __str__(self) -> str:
        return f"{self.contest.slug}/{self.name}"


def of_person(user: User) -> models.QuerySet[Entry]:
    """Their own, and those of their teams."""
    return Entry.objects.filter(models.Q(owner=user) | models.Q(team__in=user.teams.all()))


class Tier(models.TextChoices):
    """Who played a run."""

    PLATFORM = "platform", "played by the site's own machine"
    REMOTE = "remote", "played by another's machine that the host lets in"
    SHIPPED = "shipped", "played by the project, and shipped with the site"
    SELF_REPORTED = "self-reported", "played by its contestant"


class Run(models.Model):
    """One time that an entry was played: a run folder of mlgolf, delivered as a bundle."""

    WAITS = "waits"  # to be judged anew

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="runs")
    tier = models.CharField(max_length=20, choices=Tier, default=Tier.PLATFORM)
    created = models.DateTimeField(auto_now_add=True)
    # What follows is known once it was delivered.
    ended = models.DateTimeField(null=True, blank=True)
    counts = models.BooleanField(default=False)  # on the board: the newest run of an entry does
    bundle_sha256 = models.CharField(max_length=64, blank=True)
    signed_by = models.CharField(max_length=64, blank=True)  # the public key
    sandbox = models.CharField(max_length=20, blank=True)  # the level at which it was played
    is_verified = models.BooleanField(default=False)  # it was repeated here, to the same values
    judging_anew = models.CharField(max_length=300, blank=True)  # WAITS, or why it could not be
    results = models.TextField(blank=True)  # JSON of mlgolf.scoring.kept_trials
    view = models.JSONField(default=dict, blank=True)  # the board of this run alone, as text
    # Name -> title, caption, svg; None: to be drawn, which takes longer than all else.
    figures = models.JSONField(default=dict, blank=True, null=True)
    # What the host's own script said, and why it said nothing: see jobs/evaluations.py. None where
    # there is none, or it was not run yet. It counts for nothing.
    own_evaluation = models.JSONField(null=True, blank=True)

    LARGE = ("results", "view", "figures")  # not to be read where nobody shows them

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["entry", "counts"]),
            models.Index(
                fields=["id"], name="run_to_be_drawn", condition=models.Q(figures__isnull=True)
            ),
        ]

    @property
    def folder_name(self) -> str:
        """Of its run folder: the name that bundles and rulings know it by."""
        return f"{self.entry.name}-{str(self.key)[:8]}"

    @property
    def bundle(self) -> str:
        """In the site's files."""
        return f"bundles/{self.folder_name}.mlgolf.zip"

    @property
    def folder(self):
        return settings.SITE.runs / self.folder_name

    def __str__(self) -> str:
        return self.folder_name


class Event(models.Model):
    """Something that happened in a run, told while it was played."""

    class Kind(models.TextChoices):
        LOG = "log"
        EVALUATION = "evaluation"
        STATE = "state"

    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    number = models.PositiveIntegerField()  # within the run, from 1: a worker may send one again
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField(auto_now_add=True)
    data = models.JSONField()

    class Meta:
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_event")]


class SubmissionKey(models.Model):
    """What a program called a submission that it sent, so that it is taken in once though it is
    sent again. Forgotten after a day."""

    user = models.ForeignKey(User, models.CASCADE, related_name="submission_keys")
    key = models.CharField(max_length=200)  # as the header Idempotency-Key had it
    sha256 = models.CharField(max_length=64)  # of all that was sent
    run = models.ForeignKey(Run, models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_submission_key")]

"""A job is the playing or the repetition of one run: a row with a state, a reason, an age."""

from datetime import UTC, datetime

from django.db import models
from django.utils import timezone

from mlgolf_site.entries.models import Run, Tier
from mlgolf_site.people.models import Token, User


class State(models.TextChoices):
    QUEUED = "queued", "waits for a worker"
    PLAYING = "playing", "is played"
    JUDGING = "judging", "was played, and its bundle is checked"
    DONE = "done", "has a verdict"
    REFUSED = "refused", "was refused before it was played"
    FAILED = "failed", "could not be played here"
    CANCELLED = "cancelled", "was cancelled"

    @property
    def has_ended(self) -> bool:
        return self in (State.DONE, State.REFUSED, State.FAILED, State.CANCELLED)


OPEN = (State.QUEUED, State.PLAYING, State.JUDGING)


class Worker(models.Model):
    """A process on some machine that plays jobs of one hardware class, one at a time."""

    token = models.OneToOneField(Token, models.CASCADE, related_name="worker")
    name = models.CharField(max_length=60, unique=True)
    hardware = models.CharField(max_length=60)
    tier = models.CharField(max_length=20, choices=Tier, default=Tier.REMOTE)
    version = models.CharField(max_length=100, blank=True)  # of mlgolf, with the hash of its code
    sandbox = models.CharField(max_length=20, blank=True)  # at which it plays
    # Signs its bundles. Said at its first hello; another key takes another token of the host.
    public_key = models.CharField(max_length=64, blank=True)
    machine = models.JSONField(default=dict, blank=True)
    first_seen = models.DateTimeField(auto_now_add=True)
    last_seen = models.DateTimeField(default=timezone.now)
    problem = models.CharField(max_length=500, blank=True)  # why it takes no job, by its own word
    spoilt = models.PositiveIntegerField(default=0)  # jobs, since it last ended one
    rests_until = models.DateTimeField(null=True, blank=True)  # as it spoiled several in a row

    def why_no_job(self, now: datetime | None = None) -> str:
        """Why it is given none; empty if it is given some."""
        if self.problem or self.rests_until is None or self.rests_until <= (now or timezone.now()):
            return self.problem
        return (
            f"it spoiled {self.spoilt} jobs in a row, and takes none until "
            f"{self.rests_until.astimezone(UTC):%H:%M:%S} UTC"
        )

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    class Kind(models.TextChoices):
        PLAY = "play", "plays a run"
        VERIFY = "verify", "repeats trials of a run"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PLAY)
    # One of the two: what it plays, or what it repeats.
    run = models.OneToOneField(Run, models.CASCADE, null=True, blank=True, related_name="job")
    repeats = models.ForeignKey(
        Run, models.CASCADE, null=True, blank=True, related_name="repetitions"
    )
    trials = models.PositiveIntegerField(default=0)  # that it repeats
    asked_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+"
    )  # of a repetition
    outcome = models.JSONField(null=True, blank=True)  # of a repetition: see `end_repetition`
    hardware = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=1000, blank=True)  # of its state, in words
    since = models.DateTimeField(default=timezone.now)  # when its state began
    created = models.DateTimeField(auto_now_add=True)
    worker = models.ForeignKey(Worker, models.SET_NULL, null=True, blank=True, related_name="jobs")
    lease_until = models.DateTimeField(null=True, blank=True)  # while it is played
    # All that took it: who lost its lease may still deliver what it had finished, and nobody else.
    tried_by = models.ManyToManyField(Worker, related_name="tried", blank=True)
    bundle_sha256 = models.CharField(max_length=64, blank=True)  # of the bundle that is checked
    attempts = models.PositiveIntegerField(default=0)  # times that a worker took it
    spoilt = models.PositiveIntegerField(default=0)  # of these, ended by a fault of the platform
    # Who spoiled it takes it again only where no other worker is there.
    spoilt_by = models.ManyToManyField(Worker, related_name="spoilt_jobs", blank=True)
    not_before = models.DateTimeField(null=True, blank=True)  # it is tried again
    cancel_asked = models.BooleanField(default=False)
    estimate_seconds = models.FloatField(default=60)  # of wall time, for the queue's forecast

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["state", "hardware", "id"])]
        constraints = [models.CheckConstraint(name="plays_or_repeats", condition=(
            models.Q(kind="play", run__isnull=False, repeats__isnull=True)
            | models.Q(kind="verify", run__isnull=True, repeats__isnull=False)
        ))]  # fmt: skip

    @property
    def about(self) -> Run:
        """The run that it plays or repeats."""
        found = self.run or self.repeats
        assert found is not None
        return found

    @property
    def confirmed(self) -> bool:
        """Of a repetition that has ended: whether all trials came out alike."""
        found = self.outcome or {}
        repeated = found.get("replays") or []
        return not found.get("problems") and bool(repeated) and all(
            one["confirmed"] for one in repeated
        )

    @property
    def age(self) -> float:
        """Seconds in its state."""
        return (timezone.now() - self.since).total_seconds()

    def __str__(self) -> str:
        return f"{self.about} ({self.kind}, {self.state})"

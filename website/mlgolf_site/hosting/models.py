"""A competition, or new rules for one, before it is made."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models

from mlgolf_site.contests.models import Contest
from mlgolf_site.people.models import User


class Draft(models.Model):
    """What a host uploaded and typed, and what was found wrong with it. Nothing of it is public."""

    class Kind(models.TextChoices):
        FOLDER = "folder", "the folder of a competition"
        TABLE = "table", "a table of examples"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    # Whose next version of the rules it is; none: a competition that is to be made.
    contest = models.ForeignKey(
        Contest, models.CASCADE, null=True, blank=True, related_name="drafts"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    file_name = models.CharField(max_length=200)  # as it was uploaded
    asked = models.JSONField(default=dict)  # what was typed, by field
    problem = models.TextField(blank=True)  # why there is no folder of it, a line each
    guesses = models.JSONField(default=list)  # sentences: what was guessed of a table
    checked = models.JSONField(default=dict)  # mlgolf.golf.findings.Checked
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    @property
    def place(self) -> Path:
        return settings.SITE.folder / "drafts" / self.key.hex

    @property
    def source(self) -> Path:
        """What was uploaded. It is never called as its sender called it."""
        return self.place / ("examples.csv" if self.kind == self.Kind.TABLE else "folder.zip")

    @property
    def folder(self) -> Path:
        """The folder of the competition, once there is one."""
        return self.place / "made" / "competition"

    @property
    def findings(self) -> list[dict]:
        """Each with `file`, `line` and `what`."""
        return self.checked.get("findings", [])

    @property
    def is_fine(self) -> bool:
        return bool(self.checked) and not self.problem and not self.findings

    def __str__(self) -> str:
        return self.asked.get("name") or self.file_name

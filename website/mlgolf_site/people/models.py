"""Who there is."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils import timezone

from mlgolf_site.protocol import LOCAL_WORKER

MOST_DAYS = 366  # that a token is good for


class User(AbstractUser):
    """A person. The name is public, the address is not."""

    email = models.EmailField(blank=True)
    may_host = models.BooleanField(
        default=False, help_text="May make competitions; administrators always may."
    )

    def save(self, *args: Any, **options: Any) -> None:
        """A new password, whoever sets it, revokes all tokens: who had the old one may have made
        some. Only those that the site made for its own workers stay: nobody else knows them."""
        is_new = self._password is not None  # it is None where the hash alone is renewed
        with transaction.atomic():
            super().save(*args, **options)
            if is_new:
                self.tokens.exclude(
                    scope=Token.Scope.WORKER, name__istartswith=LOCAL_WORKER
                ).delete()

    @property
    def hosts_any(self) -> bool:
        return self.may_host or self.is_superuser


class Team(models.Model):
    """People who submit together. All of them see and own what was submitted for the team."""

    name = models.SlugField(max_length=60, unique=True)
    members = models.ManyToManyField(User, related_name="teams")
    founder = models.ForeignKey(User, models.PROTECT, related_name="founded")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """To a team, which somebody has not answered yet. An answer removes it."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    user = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_invitation")]

    def __str__(self) -> str:
        return f"{self.user} to {self.team}"


class Token(models.Model):
    """What a program shows in place of a password. Only its hash is kept."""

    class Scope(models.TextChoices):
        SUBMIT = "submit", "submit, follow and cancel one's own entries"
        READ = "read", "read what its owner may read"
        WORKER = "worker", "take jobs of its hardware class and deliver runs"

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    scope = models.CharField(max_length=10, choices=Scope)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    start = models.CharField(max_length=12, editable=False)  # to tell tokens apart
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    last_used = models.DateTimeField(null=True, editable=False)

    @classmethod
    def issue(cls, user: User, name: str, scope: str, days: int = 90) -> tuple["Token", str]:
        """A new token, and its text, which nobody can see again."""
        text = f"mlgolf_{secrets.token_urlsafe(32)}"
        token = cls.objects.create(
            user=user, name=name, scope=scope, sha256=hash_of(text), start=text[:12],
            expires=timezone.now() + timedelta(days=min(days, MOST_DAYS)),
        )
        return token, text

    @classmethod
    def of_text(cls, text: str, now: datetime) -> "Token | None":
        """The token whose text this is, if it has not expired and its owner is active."""
        return cls.objects.select_related("user").filter(
            sha256=hash_of(text), expires__gt=now, user__is_active=True
        ).first()

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"


def hash_of(text: str) -> str:
    """Of a token: it has 256 random bits, so no salt and no slow hash is needed."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()

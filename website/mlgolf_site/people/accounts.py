"""How accounts are made: names that may stand on a board, and mails."""

from allauth.account.adapter import DefaultAccountAdapter
from django.core.validators import RegexValidator

from mlgolf_site.people.models import Team

RESERVED = {"admin", "administrator", "baseline", "host", "jury", "mlgolf", "platform", "root"}
USERNAME_VALIDATORS = [RegexValidator(
    r"^[a-zA-Z0-9][a-zA-Z0-9-]{1,29}$",
    "Allowed are 2 to 30 letters, digits and dashes, the first no dash.",
)]  # fmt: skip


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own, with names that cannot be mistaken for the site's."""

    def clean_username(self, username: str, shallow: bool = False) -> str:
        name = super().clean_username(username, shallow)
        # Boards show names of people and of teams alike.
        if name.lower() in RESERVED or Team.objects.filter(name__iexact=name).exists():
            raise self.validation_error("username_taken")
        return name

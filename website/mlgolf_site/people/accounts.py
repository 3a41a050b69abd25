"""How accounts are made: names that may stand on a board, and mails."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.stages import EmailVerificationStage
from django.core.validators import RegexValidator
from django.http import HttpResponse

from mlgolf_site.people.models import Team

RESERVED = {"admin", "administrator", "baseline", "host", "jury", "mlgolf", "platform", "root"}
USERNAME_VALIDATORS = [RegexValidator(
    r"^[a-zA-Z0-9][a-zA-Z0-9-]{1,29}$",
    "Allowed are 2 to 30 letters, digits and dashes, the first no dash.",
)]  # fmt: skip


class ConfirmedAddress(EmailVerificationStage):
    """Of a sign-in: who has not confirmed an address is sent a mail, and does not come in."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        # The first administrator is made where the site is started, without an address, and has
        # to come in even when mail does not work: who else could mend it?
        if self.login.user.is_superuser:
            return None, True
        return super().handle()


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own, with names that cannot be mistaken for the site's."""

    def get_login_stages(self) -> list[str]:
        return [
            f"{__name__}.{ConfirmedAddress.__name__}" if stage.endswith(".EmailVerificationStage")
            else stage for stage in super().get_login_stages()
        ]

    def clean_username(self, username: str, shallow: bool = False) -> str:
        name = super().clean_username(username, shallow)
        # Boards show names of people and of teams alike.
        if name.lower() in RESERVED or Team.objects.filter(name__iexact=name).exists():
            raise self.validation_error("username_taken")
        return name

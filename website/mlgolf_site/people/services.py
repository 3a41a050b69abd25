"""Who is in a team: nobody without their own word. Each function is one transaction."""

from django.db import transaction

from mlgolf.core.errors import MLGolfError
from mlgolf.core.text import printable
from mlgolf_site.people.models import Invitation, Team, User

MOST_INVITED = 20  # to one team, who have not answered


class TeamError(MLGolfError):
    """Somebody cannot be invited, or an invitation is not there any more."""


@transaction.atomic
def invite(team: Team, name: str, *, by: User) -> Invitation:
    """Raises: TeamError."""
    team = _locked(team)
    if not team.members.filter(pk=by.pk).exists():
        raise TeamError(f"you are no member of {team} any more")
    user = User.objects.filter(username__iexact=name, is_active=True).first()
    if user is None:
        raise TeamError(f"there is nobody called {printable(name)}")
    if team.members.filter(pk=user.pk).exists():
        raise TeamError(f"nothing to do: {user} is a member of {team}")
    if team.invitations.filter(user=user).exists():
        raise TeamError(f"nothing to do: {user} is invited, and has not answered yet")
    if team.invitations.count() >= MOST_INVITED:
        raise TeamError(
            f"{MOST_INVITED} people are invited and have not answered, which is the limit. "
            "Withdraw an invitation, or wait"
        )
    return Invitation.objects.create(team=team, user=user, by=by)


@transaction.atomic
def accept(team: Team, *, by: User) -> None:
    """Raises: TeamError."""
    team = _locked(team)
    _take_away(team, by)
    team.members.add(by)


@transaction.atomic
def decline(team: Team, *, by: User) -> None:
    """Raises: TeamError."""
    _take_away(_locked(team), by)


@transaction.atomic
def withdraw(team: Team, user: User) -> None:
    """Raises: TeamError."""
    _take_away(_locked(team), user)


@transaction.atomic
def leave(team: Team, *, by: User) -> None:
    """The last member leaves the team with its entries, and with nobody invited."""
    team = _locked(team)
    team.members.remove(by)
    if not team.members.exists():
        team.invitations.all().delete()


def _locked(team: Team) -> Team:
    """What happens to one team comes one after the other."""
    return Team.objects.select_for_update().get(pk=team.pk)


def _take_away(team: Team, user: User) -> None:
    gone, _ = team.invitations.filter(user=user).delete()
    if not gone:
        raise TeamError(f"there is no invitation of {user} to {team} any more")

"""teams/NAME.json in the site's files: who is in a team. Names alone, which are public."""

import json
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from mlgolf_site.people.models import Team

FOLDER = "teams"


def write_team(team: Team) -> None:
    default_storage.save(f"{FOLDER}/{team.name}.json", ContentFile(json.dumps({
        "name": team.name, "founder": team.founder.username, "created": team.created.isoformat(),
        "members": sorted(team.members.values_list("username", flat=True)),
    }, indent=1).encode()))  # fmt: skip


def edited(instance: Any, **_: Any) -> None:
    """A team was made, or its members changed."""
    if isinstance(instance, Team):
        pk = instance.pk
        transaction.on_commit(lambda: _write_if_there(pk))


def _write_if_there(pk: int) -> None:
    team = Team.objects.select_related("founder").filter(pk=pk).first()
    if team is not None:
        write_team(team)

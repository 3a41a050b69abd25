"""What a site holds when it is new: an administrator, the competitions that ship, their baselines.

Each step does nothing where it was done before, so a first start that was killed is finished by
the next.
"""

import logging
import secrets
import tempfile
from importlib.resources import files
from pathlib import Path

from mlgolf.api.bundles import make_ledger
from mlgolf.results.bundles.reading import ENDING
from mlgolf_site.boards.services import refresh_all
from mlgolf_site.config import Site
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.contests.services import add_contest, shipped_folder
from mlgolf_site.entries.models import Run
from mlgolf_site.importing.bundles import import_bundle
from mlgolf_site.people.models import User
from mlgolf_site.shipped import CONTESTS

PLATFORM = "mlgolf"  # who baselines belong to
ADMIN = "admin"

log = logging.getLogger(__name__)


def prepare(site: Site) -> str:
    """Fill a new site. Returns: the administrator's password, if one was made now; else empty."""
    password = ""
    site.runs.mkdir(parents=True, exist_ok=True)
    if not (site.ledger / "heads.jsonl").exists():
        make_ledger(site.ledger)
    if not User.objects.filter(is_superuser=True).exists():
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMIN, password=password)
    add_shipped()
    refresh_all(only_new=True)  # others follow while pages are served
    return password


def add_shipped() -> None:
    platform, _ = User.objects.get_or_create(
        username=PLATFORM, defaults={"is_active": False, "first_name": "ML Golf"}
    )
    with tempfile.TemporaryDirectory(prefix="mlgolf-shipped-") as scratch:
        for name in CONTESTS:
            if not Contest.objects.filter(slug=name).exists():
                add_contest(shipped_folder(name, Path(scratch)), slug=name)
    for bundle in sorted(shipped_bundles()):
        contest, _, _ = bundle.name.partition("--")
        board = Board.objects.select_related("version__contest").filter(
            version__contest__slug=contest, cell=""
        ).order_by("version__number").first()
        if board is None or Run.objects.filter(
            entry__board=board, entry__name=bundle.name.removesuffix(ENDING).partition("--")[2]
        ).exclude(bundle_sha256="").exists():
            continue
        import_bundle(
            bundle, board=board, owner=platform,
            about={"is_baseline": True, "is_code_public": True},
        )


def shipped_bundles() -> list[Path]:
    """CONTEST--ENTRY.mlgolf.zip: runs of baselines that ship, so that no board is empty."""
    return [Path(str(file)) for file in (files("mlgolf_site") / "shipped").iterdir()
            if file.name.endswith(ENDING)]



"""What a site holds when it is new: an administrator, the competitions that ship, their baselines.

Each step does nothing where it was done before, so a first start that was killed is finished by
the next.
"""

import logging
import secrets
import tempfile
from importlib.resources import files
from pathlib import Path

from mlgolf.core.cells import split_name
from mlgolf.results.bundles.reading import ENDING
from mlgolf_site.boards.services import refresh_all
from mlgolf_site.config import Site, write_private
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.contests.services import add_contest, shipped_folder
from mlgolf_site.entries.models import Run, Tier
from mlgolf_site.importing.bundles import import_bundle
from mlgolf_site.jobs.worker import ensure_ledger
from mlgolf_site.jury.services import take_in_rulings
from mlgolf_site.people.models import User
from mlgolf_site.shipped import CONTESTS

PLATFORM = "mlgolf"  # who baselines belong to
ADMIN = "admin"
PASSWORD_FILE = "administrator-password.txt"

log = logging.getLogger(__name__)


def make_people(site: Site) -> str:
    """Who a site has of itself, before anybody can register one of these names.

    Returns: the administrator's password, if it was not shown yet; else empty.
    """
    site.runs.mkdir(parents=True, exist_ok=True)
    ensure_ledger(site.ledger)
    User.objects.get_or_create(
        username=PLATFORM, defaults={"is_active": False, "first_name": "ML Golf"}
    )
    return make_administrator(site)


def fill() -> None:
    """A new site, with what ships."""
    add_shipped()
    take_in_rulings()
    refresh_all(only_new=True)  # others follow while pages are served


def make_administrator(site: Site) -> str:
    """If there is none. Returns: the password, if it was not shown yet; else empty.

    It lies in a file until `password_was_shown`, so that a start that is killed loses it not.
    """
    file = site.folder / PASSWORD_FILE
    if User.objects.filter(is_superuser=True).exists():
        return file.read_text().strip() if file.exists() else ""
    file.unlink(missing_ok=True)
    write_private(file, secrets.token_urlsafe(12))
    password = file.read_text().strip()
    name = ADMIN if not User.objects.filter(username=ADMIN).exists() else f"{ADMIN}-2"
    User.objects.create_superuser(name, password=password)
    return password


def password_was_shown(site: Site) -> None:
    (site.folder / PASSWORD_FILE).unlink(missing_ok=True)


def add_shipped() -> None:
    platform = User.objects.get(username=PLATFORM)
    with tempfile.TemporaryDirectory(prefix="mlgolf-shipped-") as scratch:
        for name in CONTESTS:
            if not Contest.objects.filter(slug=name).exists():
                add_contest(shipped_folder(name, Path(scratch)), slug=name)
    for bundle in sorted(shipped_bundles()):
        of, _, name = bundle.name.removesuffix(ENDING).partition("--")
        contest, board_name = split_name(of)
        board = Board.objects.select_related("version__contest").filter(
            version__contest__slug=contest, name=board_name
        ).order_by("version__number").first()
        if board is None or Run.objects.filter(
            entry__board=board, entry__name=name
        ).exclude(bundle_sha256="").exists():
            continue
        import_bundle(
            bundle, board=board, owner=platform,
            about={"is_baseline": True, "is_code_public": True, "tier": Tier.SHIPPED},
        )


def shipped_bundles() -> list[Path]:
    """Runs of baselines, so that no board is empty. Their names: `mlgolf_site/shipped`."""
    folder = Path(str(files("mlgolf_site") / "shipped"))
    return sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []



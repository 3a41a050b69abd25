"""`mlgolf site check`: is this site fit to be served? Nothing is changed.

Each check finds out by doing what the site would do: it asks the database, writes a file and
removes it, opens a mail connection.
"""

import io
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.files.base import ContentFile

from mlgolf.core.errors import MLGolfError
from mlgolf.referee.levels import bubblewrap_problem
from mlgolf.results.bundles.ledger import HEADS, Ledger
from mlgolf_site.config import Site
from mlgolf_site.serving import reach_database, set_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    what: str
    said: str
    is_wrong: bool = False
    is_doubtful: bool = False

    @property
    def word(self) -> str:
        return "WRONG" if self.is_wrong else "look" if self.is_doubtful else "fine"


def check(site: Site) -> list[Finding]:
    set_up(site)
    return [
        *_settings(), _tried("database", _database), _tried("files", _files),
        _tried("run folders", lambda: _folder(site)), _ledger(site), _walls(), _mail(site),
    ]


def _tried(what: str, ask: Callable[[], str]) -> Finding:
    """Whatever a driver or a disk says is wrong is told in one line."""
    try:
        return Finding(what=what, said=ask())
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return Finding(what=what, said=said, is_wrong=True)


def _settings() -> Iterator[Finding]:
    """Django's own, with those for a site in production."""
    from django.core.checks import run_checks
    from django.core.checks.messages import ERROR

    messages = run_checks(include_deployment_checks=True)
    for message in messages:
        hint = f" {message.hint}" if message.hint else ""
        yield Finding(
            what=f"settings, {message.id}", said=" ".join(f"{message.msg}{hint}".split()),
            is_wrong=message.level >= ERROR, is_doubtful=message.level < ERROR,
        )
    if not messages:
        yield Finding(what="settings", said="Django finds nothing to warn of")


def _database() -> str:
    from django.core.management import call_command
    from django.db import connection

    reach_database()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    said = io.StringIO()
    call_command("showmigrations", plan=True, stdout=said, no_color=True)
    missing = said.getvalue().count("[ ]")
    more = f"; {missing} migrations will be made by mlgolf site serve" if missing else ""
    return f"{connection.vendor} answers{more}"


def _files() -> str:
    from django.core.files.storage import default_storage

    name, text = f"check-{secrets.token_hex(4)}", b"written by mlgolf site check\n"
    saved = default_storage.save(name, ContentFile(text))
    try:
        with default_storage.open(saved, "rb") as file:
            if file.read() != text:
                raise OSError("a file that was written is read differently")
    finally:
        default_storage.delete(saved)
    return "a file can be written, read and removed"


def _folder(site: Site) -> str:
    site.runs.mkdir(parents=True, exist_ok=True)
    scratch = site.runs / f".check-{secrets.token_hex(4)}"
    scratch.touch()
    scratch.unlink()
    mode = (site.folder / "site.toml").stat().st_mode & 0o077
    if mode:
        raise OSError("site.toml can be read by others: chmod 600 site.toml")
    return f"{shutil.disk_usage(site.folder).free / 1e9:.1f} GB are free"


def _ledger(site: Site) -> Finding:
    if not (site.ledger / HEADS).exists():
        return Finding(what="ledger", said="none yet; the first start makes one", is_doubtful=True)
    try:
        heads = Ledger(site.ledger).heads()
    except MLGolfError as error:
        return Finding(what="ledger", said=str(error), is_wrong=True)
    return Finding(what="ledger", said=f"{len(heads.lines)} lines, all as they were signed")


def _walls() -> Finding:
    problem = bubblewrap_problem()
    if problem:
        return Finding(
            what="bubblewrap", is_doubtful=True,
            said=f"no local worker can run other people's code: {problem}",
        )
    return Finding(what="bubblewrap", said="other people's code can be run here")


def _mail(site: Site) -> Finding:
    if site.config.mail is None:
        return Finding(
            what="mail", is_wrong=site.config.mail_must_be_confirmed,
            is_doubtful=not site.config.mail_must_be_confirmed,
            said="there is no table [mail]: mails are written to the log, and nobody can confirm "
            "an address or set a new password",
        )

    def ask() -> str:
        from django.core.mail import get_connection

        connection = get_connection(timeout=10)
        connection.open()
        connection.close()
        return f"{site.config.mail.host} lets us in"

    return _tried("mail", ask)

"""site.toml: all that one site is told. Nothing else is configured anywhere.

The file lies in the folder of the site, and what the site keeps lies beside it:

    site.toml        this file; it holds the secret key, so it is for nobody else to read
    site.sqlite3     the database, unless PostgreSQL is asked for
    files/           code, competitions and bundles, unless S3 is asked for
    runs/            run folders, unpacked from their bundles: a cache
    zips/            folders of competitions as they are downloaded: a cache
    ledger/          the key of the host, and the ledger
"""

import os
import secrets
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlgolf.core.errors import RulesError
from mlgolf.core.toml_files import read_table, toml_string, validated

FILE = "site.toml"
VARIABLE = "MLGOLF_SITE"  # the environment variable with the folder of the site
FILL_IN = "FILL IN"  # begins what a person has to replace


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PostgreSQL(_Table):
    """[postgresql]. The password is read from a file, or from the environment by libpq."""

    name: str = "mlgolf"
    user: str = ""
    host: str = ""  # empty: the socket of this machine
    port: int = 5432
    password_file: Path | None = None

    @property
    def password(self) -> str:
        return self.password_file.read_text().strip() if self.password_file else ""


class S3(_Table):
    """[s3]. Keys are read from the environment, as boto3 does."""

    bucket: str
    endpoint: str = ""  # of another provider than Amazon
    region: str = ""


class Mail(_Table):
    """[mail]. Without it mails are written to the log: nobody can confirm an address."""

    host: str
    port: int = 587
    user: str = ""
    password_file: Path | None = None
    sender: str
    use_tls: bool = True

    @property
    def password(self) -> str:
        return self.password_file.read_text().strip() if self.password_file else ""


class Web(_Table):
    """[web]. How pages are served, and what stands before them."""

    processes: int = Field(default=0, ge=0, le=64)  # 0: as many as cores, up to 4; SQLite: one
    # Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Nobody else's.
    trusted_proxies: list[str] = []
    # Believe X-Forwarded-Proto from anybody: only where nothing but the proxy can reach this site.
    trust_forwarded_proto: bool = False
    url: str = ""  # what people type, such as https://golf.example.org
class OAuthApp(_Table):
    """[oauth.github], [oauth.google]: people may sign in by an account there.

    The site is registered there first, with the address SITE/accounts/github/login/callback/.
    """

    client_id: str = Field(min_length=1)
    secret_file: Path  # what they gave the site, in a file that nobody else can read

    @property
    def secret(self) -> str:
        """Raises: RulesError for a file that cannot be read."""
        try:
            return self.secret_file.read_text().strip()
        except OSError as error:
            raise RulesError(f"secret_file: {self.secret_file}: {error.strerror}") from None


class Limits(_Table):
    """[limits]. Of one person, in 24 hours, unless it says otherwise."""

    submissions: int = Field(default=20, ge=1)
    upload_bytes: int = Field(default=5_000_000, ge=1)  # of one submission
    upload_files: int = Field(default=200, ge=1)
    unpacked_bytes: int = Field(default=20_000_000, ge=1)
    competition_bytes: int = Field(default=50_000_000, ge=1)  # of a competition that hosts upload
    competition_files: int = Field(default=2_000, ge=1)
    competition_unpacked_bytes: int = Field(default=200_000_000, ge=1)
    drafts: int = Field(default=20, ge=1)  # of competitions that are not made yet
    waiting: int = Field(default=5, ge=1)  # submissions of one person in the queue at a time
    # Days that a submission waits while no worker of its class is there.
    days_without_worker: int = Field(default=7, ge=1)
    challenges: int = Field(default=3, ge=1)  # of one person that are open at a time
    evidence_bytes: int = Field(default=1_000_000, ge=1)  # of the file of a challenge
    api_requests: int = Field(default=600, ge=1)  # of one token in a minute
    # Live logs at a time, in each web process: each asks the database five times in a second.
    live_streams: int = Field(default=10, ge=1)  # of one person; of all strangers at one address
    live_streams_in_all: int = Field(default=100, ge=1)


class SiteConfig(_Table):
    secret_key: Annotated[str, Field(min_length=50)]
    name: str = "ML Golf"
    hosts: list[str] = ["localhost", "127.0.0.1", "[::1]"]  # names that it answers to
    https: bool = False  # whether it is reached by https alone, as in production it must be
    mail_must_be_confirmed: bool = False  # before an account may submit
    files: Literal["local", "s3"] = "local"
    postgresql: PostgreSQL | None = None
    s3: S3 | None = None
    mail: Mail | None = None
    web: Web = Web()
    oauth: dict[Literal["github", "google"], OAuthApp] = {}
    limits: Limits = Limits()


class Site:
    """A folder with its configuration."""

    def __init__(self, folder: Path) -> None:
        """Raises: RulesError for a folder without a site, or a key that is wrong."""
        self.folder = folder.resolve()
        if not (folder / FILE).is_file():
            raise RulesError(
                f"{folder / FILE} is not there. Make one: mlgolf site init {folder}"
            )
        table = read_table(folder / FILE)
        if unfilled := _unfilled(table):
            raise RulesError("\n".join(
                f"{folder / FILE}: {key}: found {value!r}. Write the real value there, or remove "
                "what you do not use" for key, value in unfilled
            ))
        self.config = validated(table, SiteConfig, folder / FILE)
        if self.config.files == "s3" and self.config.s3 is None:
            raise RulesError(f'{folder / FILE}: files = "s3", and there is no table [s3]')

    @classmethod
    def of_environment(cls) -> "Site":
        """The site that this process is of. Raises: RulesError if it is of none."""
        folder = os.environ.get(VARIABLE)
        if not folder:
            raise RulesError(
                f"{VARIABLE} is not set: it names the folder with {FILE}. mlgolf site commands "
                "set it themselves"
            )
        return cls(Path(folder))

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def zips(self) -> Path:
        return self.folder / "zips"

    @property
    def static(self) -> Path:
        return self.folder / "static"


def _unfilled(table: dict[str, Any], within: str = "") -> list[tuple[str, str]]:
    """Keys that still have what `mlgolf site init` wrote for somebody to replace."""
    found = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _unfilled(value, f"{within}[{key}] ")
        elif isinstance(value, str) and value.startswith(FILL_IN):
            found.append((f"{within}{key}", value))
    return found


def embedded(name: str = "ML Golf") -> str:
    """site.toml of a site on SQLite and local files, with a secret of its own."""
    return (
        "# Made by mlgolf site serve. Keep it secret: who has the key can sign in as anybody.\n"
        f"secret_key = {toml_string(secrets.token_urlsafe(50))}\n"
        f"name = {toml_string(name)}\n"
    )


def write_private(path: Path, text: str) -> None:
    """A new file that its owner alone reads, whole or not at all. Raises: FileExistsError."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)

"""What a person's programs ask of a site, over its API. It knows nothing of Django.

A request that did not come through is sent again, as each of them does the same when it is: a
submission has a key by which the site knows it.
"""

import hashlib
import io
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict

from mlgolf.core.errors import FrameworkMissing, MLGolfError, RulesError
from mlgolf.core.text import printable
from mlgolf.core.toml_files import read_toml, toml_string
from mlgolf_site.protocol import API, TOKEN_ADVICE

try:
    import httpx
except ImportError:
    raise FrameworkMissing("site", "httpx") from None

URL_VARIABLE, TOKEN_VARIABLE = "MLGOLF_URL", "MLGOLF_TOKEN"
TOKEN = re.compile(r"[A-Za-z0-9_-]+")
PATIENCE = 60.0  # seconds of trying to reach a site, in all
LONGEST_WAIT = 15.0  # seconds between two tries
READ_SECONDS = 60.0  # that an answer may take
SILENT_SECONDS = 30.0  # without a word in a stream, which is then begun again


class SiteError(MLGolfError):
    """A site cannot be reached, or is none."""


class SiteRefused(MLGolfError):
    """What a site said to what it will not do."""


# --- which site, and who asks ---


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A site, and the token of who asks; empty for a stranger."""

    url: str
    token: str = field(default="", repr=False)


def default_file() -> Path:
    """Where `mlgolf login` keeps an account."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "mlgolf" / "site.toml"


def known_account(url: str | None, token: str | None, file: Path) -> Account:
    """From what was given, and from the file for what was not.

    The token of the file goes to the site of the file alone. Raises: RulesError.
    """
    kept = read_toml(file, _Kept) if file.exists() else None
    if not url and kept is None:
        raise RulesError(
            f"which site? Sign in once by: mlgolf login URL. Or give --url, or set ${URL_VARIABLE}"
        )
    address = checked_url(url or kept.url)  # type: ignore[union-attr]
    if not token and kept is not None and kept.url == address:
        token = kept.token
    return Account(url=address, token=token or "")


def checked_url(url: str) -> str:
    """Without a slash at its end. Raises: RulesError for what is no address of a site."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise RulesError(
            f"--url: found {printable(repr(url))}; allowed is an address such as "
            "https://golf.example.org"
        )
    if parts.username or parts.password:
        raise RulesError("--url: found a name or a password in it. Give the token by --token")
    return url.strip().rstrip("/")


def keep_account(account: Account, file: Path) -> None:
    """For its owner's eyes alone, and whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = file.with_name(f".{file.name}-{os.getpid()}")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(
            "# Made by mlgolf login. Keep it secret: who has the token acts in your name.\n"
            f"url = {toml_string(account.url)}\ntoken = {toml_string(account.token)}\n"
        )
    scratch.replace(file)


# --- asking ---


@dataclass
class SiteClient:
    """Asks one site.

    Args: tell: says what is waited for. progress: of an upload, bytes sent and bytes in all.
      sleep, transport: others in tests.
    """

    account: Account
    tell: Callable[[str], None] = print
    progress: Callable[[int, int], None] = lambda sent, size: None
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        headers = {"Accept": "application/json"}
        if self.account.token:
            headers["Authorization"] = f"Bearer {self.account.token}"
            if not TOKEN.fullmatch(self.account.token):
                raise RulesError(
                    "--token: it has characters that no token has; allowed are letters, digits, "
                    "dash and underscore"
                )
        self._http = httpx.Client(
            base_url=self.account.url + API, timeout=READ_SECONDS, headers=headers,
            transport=self.transport,
        )

    def close(self) -> None:
        self._http.close()

    def me(self) -> dict[str, Any]:
        return self._ask("GET", "me")

    def competition(self, name: str) -> dict[str, Any]:
        return self._ask("GET", f"competitions/{_part(name)}")

    def leaderboard(
        self, name: str, *, board: str = "", page: int = 1, size: int = 100
    ) -> dict[str, Any]:
        return self._ask("GET", f"competitions/{_part(name)}/leaderboard", params={
            "board": board, "page": page, "size": size,
        })  # fmt: skip

    def own_entries(self, page: int = 1) -> dict[str, Any]:
        return self._ask("GET", "entries", params={"page": page})

    def entry(self, competition: str, name: str) -> dict[str, Any]:
        return self._ask("GET", f"entries/{_part(competition)}/{_part(name)}")

    def check(self, competition: str, content: bytes, asked: Mapping[str, str]) -> dict[str, Any]:
        return self._send(f"competitions/{_part(competition)}/check", content, asked, {})

    def submit(self, competition: str, content: bytes, asked: Mapping[str, str]) -> dict[str, Any]:
        """The same content gives the same entry, however often it is sent within a day."""
        key = _key(self.account.url, competition, content, asked)
        return self._send(
            f"competitions/{_part(competition)}/entries", content, asked, {"Idempotency-Key": key}
        )

    def cancel(self, run: str) -> str:
        return self._ask("POST", f"runs/{_part(run)}/cancel")["said"]

    def events(self, run: str, after: int = 0) -> Iterator[dict[str, Any] | None]:
        """What happens in a run until it ends, from the first event after a number; None now and
        then while nothing happens. A connection that breaks is made again.

        Raises: SiteError, SiteRefused.
        """
        tries = _Tries(self)
        while True:
            try:
                timeout = httpx.Timeout(READ_SECONDS, read=SILENT_SECONDS)
                with self._http.stream(
                    "GET", f"runs/{_part(run)}/events", timeout=timeout,
                    headers={"Last-Event-ID": str(after), "Accept": "text/event-stream"},
                ) as answer:
                    if answer.status_code != 200:
                        answer.read()
                        self._check(answer, tries)
                        continue
                    for told in _server_sent(answer.iter_lines()):
                        tries = _Tries(self)  # it can be reached
                        if told is None:
                            yield None
                        elif told["kind"] == "end":
                            return
                        else:
                            after = told["number"]
                            yield told
                tries.wait(f"{self.account.url} closed the connection")
            except httpx.TransportError as error:
                tries.failed(error)

    # --- one request ---

    def _send(
        self, path: str, content: bytes, asked: Mapping[str, str], headers: dict[str, str]
    ) -> dict[str, Any]:
        counted = _Counted(content, self.progress)
        file = {"file": (f"{asked['name']}.zip", counted, "application/zip")}
        return self._ask("POST", path, data=dict(asked), files=file, headers=headers)

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Raises: SiteError for one that cannot be reached or is none, SiteRefused."""
        tries = _Tries(self)
        while True:
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                tries.failed(error)
                continue
            if (found := self._check(answer, tries)) is not None:
                return found

    def _check(self, answer: httpx.Response, tries: "_Tries") -> dict[str, Any] | None:
        """What was answered; None if it is to be asked again."""
        code, url = answer.status_code, self.account.url
        if code in (502, 503, 504):
            tries.wait(f"{url} is not there just now ({code})")
            return None
        try:
            found = answer.json()
        except ValueError:
            found = None
        detail = found.get("detail") if isinstance(found, dict) else None
        if code == 429 and detail and (wait := answer.headers.get("Retry-After", "")).isdecimal():
            tries.wait(f"{url}: {printable(detail)}", float(wait))
            return None
        if 300 <= code < 400:
            raise SiteError(
                f"{url} sends elsewhere, to {printable(answer.headers.get('Location', ''))}. Give "
                "that address, if you trust it"
            )
        if code < 400 and isinstance(found, dict):
            return found
        if not detail:
            raise SiteError(
                f"{url} answers {code}, and not as a site of ML Golf does. Check the address"
            )
        if code >= 500:
            raise SiteError(f"{url}: {printable(detail)}")
        said = printable(detail).removesuffix(TOKEN_ADVICE).rstrip()
        raise SiteRefused(f"{url}: {said}{self._what_next(code)}")

    def _what_next(self, code: int) -> str:
        if code != 401:
            return ""
        url = self.account.url
        return f"\nMake a token at {url}/tokens/, then: mlgolf login {url}"


class _Counted(io.BytesIO):
    """Bytes that say how many of them were read."""

    def __init__(self, content: bytes, progress: Callable[[int, int], None]) -> None:
        super().__init__(content)
        self._progress, self._size = progress, len(content)

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        if part:
            self._progress(self.tell(), self._size)
        return part


class _Tries:
    """How long a site was waited for, in one request."""

    def __init__(self, client: SiteClient) -> None:
        self._client, self._waited, self._next = client, 0.0, 1.0

    def failed(self, error: httpx.TransportError) -> None:
        """Waits; or raises SiteError at once if trying again is no use, or took too long."""
        url = self._client.account.url
        if _is_no_host(error):
            host = urlsplit(url).hostname
            raise SiteError(f"there is no host called {host}. Check the address {url}") from None
        if isinstance(error, httpx.UnsupportedProtocol):
            raise SiteError(f"{url} cannot be asked: {error}") from None
        if "CERTIFICATE" in str(error):
            raise SiteError(f"{url}: its certificate cannot be trusted: {error}") from None
        self.wait(f"{url} cannot be reached ({printable(error) or type(error).__name__})")

    def wait(self, why: str, seconds: float | None = None) -> None:
        seconds = self._next if seconds is None else seconds
        if self._waited + seconds > self._client.patience + LONGEST_WAIT:
            raise SiteError(f"{why}; tried for {self._waited:.0f} s. Try later: nothing is lost")
        self._client.tell(f"{why}; trying again in {seconds:.0f} s")
        self._client.sleep(seconds)
        self._waited += seconds
        self._next = min(2 * self._next, LONGEST_WAIT)


def _is_no_host(error: BaseException | None) -> bool:
    """Whether a name was looked up and there is none, which waiting does not change."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno == socket.EAI_NONAME
        error = error.__cause__ or error.__context__
    return False


def _server_sent(lines: Iterator[str]) -> Iterator[dict[str, Any] | None]:
    """Each event with its kind; None for a comment, by which a stream says that it is alive."""
    kind, data = "message", ""
    for line in lines:
        if line.startswith(":"):
            yield None
        elif line.startswith("event:"):
            kind = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            data += line.removeprefix("data:").strip()
        elif not line and data:
            yield {**json.loads(data), "kind": kind}
            kind, data = "message", ""


def _key(url: str, competition: str, content: bytes, asked: Mapping[str, str]) -> str:
    """Of all that is sent: a command that was broken off and given again sends the same."""
    whole = json.dumps([url, competition, sorted(asked.items())]).encode() + content
    return f"cli-{hashlib.sha256(whole).hexdigest()}"


def _part(text: str) -> str:
    """Of a path: nothing in it leads elsewhere."""
    return quote(text, safe="")

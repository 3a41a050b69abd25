"""`mlgolf site init`: the configuration of a site in production, to be looked at and completed."""

import secrets
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from mlgolf import __version__
from mlgolf.core.errors import RulesError
from mlgolf.core.toml_files import toml_string
from mlgolf_site.config import FILE, write_private

# Template -> name of the file. In this order: site.toml last, as what has one is a site.
FILES = {
    "mlgolf-site.service": "mlgolf-site.service", "compose.yaml": "compose.yaml",
    "Dockerfile": "Dockerfile", "dockerignore": ".dockerignore", "Caddyfile": "Caddyfile",
    FILE: FILE,
}
PASSWORD = "postgresql-password"


def init(folder: Path, *, url: str, bucket: str = "", endpoint: str = "") -> list[str]:
    """Write the files. Returns: what to do next, in lines.

    Raises: RulesError for an address that is no https, or files that are there.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
        raise RulesError(
            f"--url: found {url!r}; allowed is https:// and a name, such as "
            "https://golf.example.org. For a try on this machine: mlgolf site serve"
        )
    if endpoint and not bucket:
        raise RulesError("--s3-endpoint: there is no --s3 BUCKET beside it")
    present = [name for name in (*FILES.values(), PASSWORD) if (folder / name).exists()]
    if present:
        raise RulesError(
            f"{folder}: found {', '.join(present)}, and nothing is overwritten. Give another "
            "folder, or move what is there away"
        )
    folder.mkdir(parents=True, exist_ok=True)
    words = _words(folder.resolve(), parts.geturl().rstrip("/"), parts.hostname, bucket, endpoint)
    write_private(folder / PASSWORD, secrets.token_urlsafe(32) + "\n")
    for template, name in FILES.items():
        text = Template((files("mlgolf_site") / "initial" / template).read_text("utf-8"))
        if name == FILE:
            write_private(folder / name, text.substitute(words))
        else:
            (folder / name).write_text(text.substitute(words))
    return _next_steps(folder, parts.hostname)


def _words(folder: Path, url: str, host: str, bucket: str, endpoint: str) -> dict[str, str]:
    s3 = ""
    if bucket:
        s3 = (
            "\n# Keys are read from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.\n"
            f"[s3]\nbucket = {toml_string(bucket)}\n"
            + (f"endpoint = {toml_string(endpoint)}\n" if endpoint else "")
        )
    return {
        "secret_key": toml_string(secrets.token_urlsafe(50)), "host": toml_string(host),
        "host_alone": host, "url": toml_string(url), "address": url, "folder": str(folder),
        "files": toml_string("s3" if bucket else "local"), "s3": s3, "name": host,
        "program": shutil.which("mlgolf") or str(Path(sys.executable).with_name("mlgolf")),
        "version": __version__,
    }


def _next_steps(folder: Path, host: str) -> list[str]:
    return [
        f"{folder}: written. Next:",
        f"  1. {folder / FILE}: fill in [mail], and [postgresql] if it is not on this machine",
        "  2. a database:  createuser mlgolf; createdb -O mlgolf mlgolf   (or compose.yaml)",
        f"  3. look:        mlgolf site check --folder {folder}",
        f"  4. start:       {folder / 'mlgolf-site.service'} (systemd), or docker compose up -d "
        "(then set [postgresql] host, password_file and [web] trusted_proxies as docs say)",
        f"  5. TLS:         point {host} at this machine, and use {folder / 'Caddyfile'}",
        "The first start shows the administrator's password. The guide is docs/run-a-site.md.",
    ]

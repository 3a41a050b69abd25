"""The application that an ASGI server such as uvicorn serves."""

import json
import os
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, parse_cookie

from mlgolf.core.text import bytes_in_words
from mlgolf_site.protocol import API, LARGEST_BUNDLE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlgolf_site.settings")
_FOLDERS = re.compile(r"/host/.*|/c/[^/]+/host/version/")  # where hosts send theirs
_pages = get_asgi_application()
import_module(settings.ROOT_URLCONF)  # all views, which the first visitor need not wait for


async def application(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    """Django keeps the whole body of a request on disk before it looks at who sends it, so bodies
    are bounded here: by their own word, and while they come. A bundle is taken in from workers
    alone, and a competition from who may host."""
    if scope["type"] != "http":
        await _pages(scope, receive, send)
        return
    most, taken = largest_body(scope["path"]), 0
    headers = dict(scope["headers"])
    if most == largest_folder() and not await sync_to_async(_is_a_hosts)(headers):
        most = largest_body("/")
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > most:
        await _too_large(most, scope["path"], send)
        return
    if most == LARGEST_BUNDLE:
        refusal = await sync_to_async(_why_no_worker)(headers.get(b"authorization", b""))
        if refusal is not None:
            await _refuse(*refusal, send)
            return

    async def bounded() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        # Who sends more than was announced is cut off, as if the connection had ended.
        return {"type": "http.disconnect"} if taken > most else message

    await _pages(scope, bounded, send)


def largest_body(path: str) -> int:
    """Bytes that a request to an address may have."""
    if path.startswith(f"{API}worker/jobs/") and path.endswith("/bundle"):
        return LARGEST_BUNDLE
    if _FOLDERS.fullmatch(path):
        return largest_folder()
    return 2 * settings.CONFIG.limits.upload_bytes + 1_000_000


def largest_folder() -> int:
    """Bytes of a request in which a host sends a competition."""
    return settings.CONFIG.limits.competition_bytes + 1_000_000


def _is_a_hosts(headers: dict[bytes, bytes]) -> bool:
    """Whether a request has the session of a person who may make competitions, or has one."""
    from django.contrib.auth import get_user
    from django.contrib.sessions.middleware import SessionMiddleware

    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    try:
        SessionMiddleware(lambda _: HttpResponse()).process_request(request)
        user = get_user(request)
        return user.is_authenticated and (user.hosts_any or user.contests.exists())
    finally:
        close_old_connections()


def _why_no_worker(sent: bytes) -> tuple[int, str] | None:
    """Args: sent: the header Authorization. Returns: status and words; None for a worker's."""
    from mlgolf_site.people.models import Token
    from mlgolf_site.people.tokens import token_of

    try:
        token, problem = token_of(sent.decode("latin-1"))
    finally:
        close_old_connections()  # Django closes those of its own threads alone
    if token is None:
        return 401, problem
    if token.scope != Token.Scope.WORKER:
        return 403, f"The token has the scope {token.scope}; bundles come from workers alone."
    return None


async def _too_large(most: int, path: str, send: Callable) -> None:
    said = f"The request is too large; allowed are {bytes_in_words(most)} here."
    if most < largest_body(path):
        said += " A host who is signed in may send more: sign in, in another tab."
    if path.startswith(API):
        await _refuse(413, said, send)
    else:
        said = f"{said} Go back: what you typed is still in the form."
        await _answer(413, said, b"text/plain", send)


async def _refuse(status: int, said: str, send: Callable) -> None:
    await _answer(status, json.dumps({"detail": said}), b"application/json", send)


async def _answer(status: int, told: str, kind: bytes, send: Callable) -> None:
    await send({
        "type": "http.response.start", "status": status,
        "headers": [(b"content-type", kind), (b"connection", b"close")],
    })  # fmt: skip
    await send({"type": "http.response.body", "body": told.encode()})

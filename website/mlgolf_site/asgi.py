"""The application that an ASGI server such as uvicorn serves."""

import json
import os
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from mlgolf.core.text import bytes_in_words
from mlgolf_site.protocol import API, LARGEST_BUNDLE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlgolf_site.settings")
_FOLDERS = re.compile(r"/host/.*|/c/[^/]+/host/version/")  # where hosts send theirs
_pages = get_asgi_application()


async def application(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
    """Django keeps the whole body of a request on disk before it looks at who sends it, so bodies
    are bounded here: by their own word, and while they come."""
    if scope["type"] != "http":
        await _pages(scope, receive, send)
        return
    most, taken = largest_body(scope["path"]), 0
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > most:
        await _too_large(most, send, for_program=scope["path"].startswith(API))
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
        return settings.CONFIG.limits.competition_bytes + 1_000_000
    return 2 * settings.CONFIG.limits.upload_bytes + 1_000_000


async def _too_large(most: int, send: Callable, *, for_program: bool) -> None:
    said = f"The request is too large; allowed are {bytes_in_words(most)} here."
    told, kind = json.dumps({"detail": said}), b"application/json"
    if not for_program:
        told, kind = f"{said} Go back: what you typed is still in the form.", b"text/plain"
    await send({
        "type": "http.response.start", "status": 413,
        "headers": [(b"content-type", kind), (b"connection", b"close")],
    })  # fmt: skip
    await send({"type": "http.response.body", "body": told.encode()})

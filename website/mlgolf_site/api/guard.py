"""What holds for every request of a program: how many there may be, how large, and how errors look.

Requests are counted by the minute of the clock, in each web process for itself: of a token, or
without one of an address. Workers are not
limited: a heartbeat that was refused would cost a run.
"""

import json
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, JsonResponse

from mlgolf.core.text import bytes_in_words
from mlgolf_site.people.models import Token
from mlgolf_site.protocol import API

WORKERS = f"{API}worker/"
FORM_BYTES = 100_000  # of an upload, beside its file
MINUTE = 60


class ApiMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(API):
            return self.get_response(request)
        answer = _too_many(request) or _too_large(request) or self.get_response(request)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer if answer.status_code < 400 else _in_words(request, answer)


def _too_many(request: HttpRequest, now: float | None = None) -> HttpResponse | None:
    token: Token | None = request.token  # type: ignore[attr-defined]
    if token is not None and token.scope == Token.Scope.WORKER:
        return None
    who = f"token-{token.pk}" if token else f"address-{request.META.get('REMOTE_ADDR', '')}"
    minute, passed = divmod(time.time() if now is None else now, MINUTE)
    key, most = f"api-{who}-{int(minute)}", settings.SITE.config.limits.api_requests
    if _counted(key) <= most:
        return None
    left = int(MINUTE - passed) + 1
    return JsonResponse({"detail": (
        f"More than {most} requests in a minute by {'one token' if token else 'one address'}. Ask "
        f"again in {left} s."
    )}, status=429, headers={"Retry-After": str(left)})  # fmt: skip


def _counted(key: str) -> int:
    cache = caches["requests"]
    cache.add(key, 0, 2 * MINUTE)
    try:
        return cache.incr(key)
    except ValueError:  # forgotten just now, by a cache that is full
        return 1


def _too_large(request: HttpRequest) -> HttpResponse | None:
    """Before its parts are looked at."""
    sent = request.META.get("CONTENT_LENGTH") or "0"
    most = settings.SITE.config.limits.upload_bytes
    if request.path.startswith(WORKERS) or not sent.isdecimal() or int(sent) <= most + FORM_BYTES:
        return None
    return JsonResponse({"detail": (
        f"The request has {bytes_in_words(int(sent))}; a submission may have "
        f"{bytes_in_words(most)}."
    )}, status=413)  # fmt: skip


def _in_words(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """An error as all errors of the API are: {"detail": …}."""
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        return answer
    if answer.status_code == 405:
        told = f"{request.method} is not for this address; allowed is {answer.headers['Allow']}."
    else:
        told = "The request cannot be read. Check its headers and its body."
    answer.content = json.dumps({"detail": told})
    answer.headers["Content-Type"] = "application/json"
    return answer

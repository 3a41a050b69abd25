"""Who is behind a request to the API: the owner of its token, and never a browser's session."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mlgolf_site.people.models import Token, hash_of
from mlgolf_site.protocol import API

_SEEN_EVERY = timedelta(minutes=1)


class TokenMiddleware:
    """Sets `request.user` and `request.token`. Cookies count for nothing here, so no page of
    another site can make a browser call the API in its user's name. What is sent as a token and is
    none is said in `request.token_problem`: nobody is served as a stranger unawares."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.token, request.token_problem = None, ""  # type: ignore[attr-defined]
        if request.path.startswith(API):
            request.user = AnonymousUser()
            if (sent := request.headers.get("Authorization")) is not None:
                self._look_up(request, sent)
        return self.get_response(request)

    def _look_up(self, request: HttpRequest, sent: str) -> None:
        token, request.token_problem = token_of(sent)  # type: ignore[attr-defined]
        if token is None:
            return
        request.token, request.user = token, token.user  # type: ignore[attr-defined]
        now = timezone.now()
        if token.last_used is None or now - token.last_used > _SEEN_EVERY:
            Token.objects.filter(pk=token.pk).update(last_used=now)


def token_of(sent: str) -> tuple[Token | None, str]:
    """Args: sent: the header Authorization. Returns: the token, or why there is none."""
    kind, _, text = sent.partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        return None, "The header Authorization has to be: Bearer TOKEN."
    token = Token.of_text(text.strip(), timezone.now())
    return token, "" if token else _why_it_is_not_good(text.strip())


def _why_it_is_not_good(text: str) -> str:
    """Told to who has its text, so it tells nothing that they did not know."""
    token = Token.objects.filter(sha256=hash_of(text)).first()
    if token is None:
        return "This site does not know the token: it was mistyped, revoked, or is of another site."
    if token.expires <= timezone.now():
        return f"The token {token.name!r} expired on {token.expires:%Y-%m-%d %H:%M} UTC."
    return f"The account of the token {token.name!r} is closed."

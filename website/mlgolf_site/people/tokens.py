"""Who is behind a request to the API: the owner of its token, and never a browser's session."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mlgolf_site.people.models import Token
from mlgolf_site.protocol import API

_SEEN_EVERY = timedelta(minutes=1)


class TokenMiddleware:
    """Sets `request.user` and `request.token`. Cookies count for nothing here, so no page of
    another site can make a browser call the API in its user's name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.token = None  # type: ignore[attr-defined]
        if request.path.startswith(API):
            request.user = AnonymousUser()
            kind, _, text = request.headers.get("Authorization", "").partition(" ")
            if kind.lower() == "bearer" and text:
                now = timezone.now()
                token = Token.of_text(text.strip(), now)
                if token is not None:
                    request.token, request.user = token, token.user  # type: ignore[attr-defined]
                    if token.last_used is None or now - token.last_used > _SEEN_EVERY:
                        Token.objects.filter(pk=token.pk).update(last_used=now)
        return self.get_response(request)

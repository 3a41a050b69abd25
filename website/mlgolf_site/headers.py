"""What every answer tells a browser that it must not do."""

import logging
from collections.abc import Callable, Iterable

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from mlgolf.core.text import printable

# Where a form of sign-in may lead: browsers ask this of redirects, too.
OAUTH_PAGES = {"github": "https://github.com", "google": "https://accounts.google.com"}


def policy(oauth: Iterable[str]) -> str:
    """The content security policy of pages. Args: oauth: by whom people may sign in."""
    forms = " ".join(["'self'", *(OAUTH_PAGES[name] for name in oauth)])
    return "; ".join((
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "font-src 'self'", "connect-src 'self'", f"form-action {forms}", "frame-ancestors 'none'",
        "base-uri 'none'",
    ))  # fmt: skip


class OneLine(logging.Formatter):
    """What came from outside ends no line of the log, and commands no terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record)).replace("\n", "\\n")


@sync_and_async_middleware
def ContentSecurityPolicy(get_response: Callable) -> Callable:
    """No inline script or style, nothing from elsewhere; a view may set a stricter one itself."""

    own = policy(settings.CONFIG.oauth)

    def told(response: HttpResponse) -> HttpResponse:
        response.headers.setdefault("Content-Security-Policy", own)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "interest-cohort=()")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            # Kept by a browser, and asked for again each time: an old board is never shown.
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    if iscoroutinefunction(get_response):
        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return told(await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        return told(get_response(request))

    return synchronous

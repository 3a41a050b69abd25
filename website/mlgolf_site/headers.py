"""What every answer tells a browser that it must not do."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'",
    "base-uri 'none'",
))  # fmt: skip


@sync_and_async_middleware
def ContentSecurityPolicy(get_response: Callable) -> Callable:
    """No inline script or style, nothing from elsewhere; a view may set a stricter one itself."""

    def told(response: HttpResponse) -> HttpResponse:
        response.headers.setdefault("Content-Security-Policy", POLICY)
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

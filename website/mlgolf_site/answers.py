"""Answers that are no page of their own: what is not there, not allowed, or broken."""

from collections.abc import Iterable

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from mlgolf_site.protocol import API


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    said = str(exception) if exception and exception.args and isinstance(
        exception.args[0], str
    ) else "There is nothing at this address."
    return _answer(request, 404, "Not found", said)


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        said = "It is larger, or has more parts, than this site takes in."
    else:
        said = "The request cannot be read. Check its address, its headers and its body."
    return _answer(request, 400, "Not understood", said)


def forbidden(request: HttpRequest, said: str) -> HttpResponse:
    return _answer(request, 403, "Not allowed", said)


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return forbidden(request, "This is not allowed.")


def too_often_here(request: HttpRequest, said: str) -> HttpResponse:
    answer = _answer(request, 429, "Too often", said)
    answer.headers["Retry-After"] = "60"
    return answer


def other_method(request: HttpRequest, allowed: Iterable[str]) -> HttpResponse:
    told = ", ".join(sorted(allowed))
    answer = _answer(
        request, 405, "Not this way", f"Found {request.method}; allowed at this address: {told}."
    )
    answer.headers["Allow"] = told
    return answer


def too_many(request: HttpRequest, said: str, seconds: int) -> HttpResponse:
    """Args: seconds: after which it may be asked again."""
    answer = _answer(request, 429, "Too many", said)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the secret that the site gives to each browser."""
    return _answer(
        request, 403, "Not allowed",
        "The form did not come from a page of this site, or the browser sends no cookies. Load "
        "the page again, and send the form once more.",
    )


def broken(request: HttpRequest) -> HttpResponse:
    return _answer(
        request, 500, "Something broke",
        "The site made a mistake. It was written down; nothing of yours was lost.",
    )


def _answer(request: HttpRequest, code: int, title: str, said: str) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": said}, status=code)
    return render(request, "pages/answer.html", {"title": title, "said": said}, status=code)

"""Pages of a long list, by numbers that a row keeps."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

ROWS = 100


def page_of(request: HttpRequest, rows: Any, count: int | None = None) -> Page:
    """The page that a request asks for; the first or last where there is no such one.

    Args: count: of all rows, where it is known without counting them.
    """
    paginator = Paginator(rows, ROWS)
    if count is not None:
        paginator.__dict__["count"] = count
    return paginator.get_page(request.GET.get("page"))

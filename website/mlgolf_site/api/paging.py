"""What many addresses of the API have: names in paths, and pages of a list.

A page that is not there is an error, not another page.
"""

import math
from typing import Annotated

from django.http import Http404
from ninja import Path, Query, Schema
from pydantic import Field

MOST_ROWS = 500
_NAME = r"^[-a-zA-Z0-9_]+$"
CompetitionName = Annotated[str, Path(..., pattern=_NAME, description="Of the competition.")]
EntryName = Annotated[str, Path(..., pattern=_NAME, description="Of the entry, on its board.")]
PageNumber = Annotated[
    int, Query(1, ge=1, le=1_000_000, description="From 1.")
]
PageSize = Annotated[
    int, Query(100, ge=1, le=MOST_ROWS, description="Rows of one page.")
]


class Paged(Schema):
    page: int = Field(description="From 1.")
    pages: int = Field(description="At least 1, though there may be no row.")
    total: int = Field(description="Rows of all pages.")


def counted(page: int, size: int, total: int) -> dict[str, int]:
    """Fields of `Paged`. Raises: Http404 for a page after the last."""
    pages = max(1, math.ceil(total / size))
    if page > pages:
        raise Http404(f"page: found {page}; there are {pages}, of {total} rows.")
    return {"page": page, "pages": pages, "total": total}

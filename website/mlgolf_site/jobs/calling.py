"""How a worker calls its site."""

from collections.abc import Mapping
from typing import Any

import httpx

from mlgolf.core.errors import RulesError
from mlgolf.core.text import printable
from mlgolf_site.protocol import LARGEST_BUNDLE


class SiteGone(Exception):
    """The site cannot be reached, or answers that it is broken: to be tried again."""


class Lost(Exception):
    """The job is no longer this worker's."""


class Caller:
    """The part of the site's API that is for workers."""

    def __init__(self, url: str, token: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/worker/", timeout=60,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
        )

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        """What a site answers that did it.

        Raises: SiteGone to try again, Lost for a job that is no longer one's own, RulesError for
        what the site will not have, and for what answers and is no site.
        """
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise SiteGone(f"{self.url} cannot be reached: {error}") from None
        code = answer.status_code
        if code >= 500 or code == 429:
            raise SiteGone(f"{self.url} answers {code}")
        if 300 <= code < 400:
            raise RulesError(
                f"{self.url} sends elsewhere, to {printable(answer.headers.get('Location', ''))}. "
                "Give that address by --url, if you trust it"
            )
        if code >= 400 and (detail := _detail(answer)):
            of_a_job = path.startswith("jobs/") and code in (400, 422)
            kind = Lost if of_a_job or code in (404, 409) else RulesError
            raise kind(f"{self.url}: {printable(detail)}")
        if code >= 400 or "text/html" in answer.headers.get("Content-Type", ""):
            raise RulesError(
                f"{self.url} answers {code} to {method} {path}, and not as a site of ML Golf does. "
                f"Check the address, and the proxy before the site{_what_it_must_take(code)}"
            )
        return answer


def _detail(answer: httpx.Response) -> str:
    """What a site says of what it does not do; empty if this is none."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    return str(found.get("detail") or "") if isinstance(found, dict) else ""


def _what_it_must_take(code: int) -> str:
    return f": it must take bodies of {LARGEST_BUNDLE:,} bytes" if code == 413 else ""

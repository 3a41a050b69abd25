"""How a worker calls its site."""

from collections.abc import Mapping
from typing import Any

import httpx

from mlgolf.core.errors import RulesError
from mlgolf.core.text import printable


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
        """Raises: SiteGone to try again, Lost for a job that is no longer one's own, RulesError
        for what the site will not have.
        """
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise SiteGone(f"{self.url} cannot be reached: {error}") from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise SiteGone(f"{self.url} answers {answer.status_code}")
        if answer.status_code in (401, 403, 422, 400, 404, 409):
            try:
                detail = answer.json()["detail"]
            except (ValueError, KeyError):
                detail = answer.text[:500]
            of_a_job = path.startswith("jobs/") and answer.status_code not in (401, 403)
            kind = Lost if of_a_job or answer.status_code in (404, 409) else RulesError
            raise kind(f"{self.url}: {printable(detail)}")
        return answer

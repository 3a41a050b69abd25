"""The API as a whole. What its routes may do stands in `rules.py`, as for pages."""

from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from mlgolf import __version__
from mlgolf.core.errors import MLGolfError
from mlgolf_site.api import contests, entries, me, workers
from mlgolf_site.api.document import DESCRIPTION, Api
from mlgolf_site.jobs.services import JobLost
from mlgolf_site.submitting import LimitReached, OtherContent

api = Api(
    title="ML Golf", version=__version__, urls_namespace="api", docs_url=None,
    description=DESCRIPTION,
)
api.add_router("/worker", workers.router)
api.add_router("", me.router)
api.add_router("/competitions", contests.router)
api.add_router("", entries.router)


def _answer(request: HttpRequest, status: int, told: object) -> HttpResponse:
    return api.create_response(request, {"detail": str(told)}, status=status)


@api.exception_handler(JobLost)
def job_lost(request: HttpRequest, error: JobLost) -> HttpResponse:
    return _answer(request, 409, error)


@api.exception_handler(OtherContent)
def other_content(request: HttpRequest, error: OtherContent) -> HttpResponse:
    return _answer(request, 409, error)


@api.exception_handler(LimitReached)
def limit_reached(request: HttpRequest, error: LimitReached) -> HttpResponse:
    return _answer(request, 429, error)


@api.exception_handler(MLGolfError)
def refused(request: HttpRequest, error: MLGolfError) -> HttpResponse:
    return _answer(request, 422, error)


@api.exception_handler(ValidationError)
def not_as_asked(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _answer(request, 422, "\n".join(found["told"] for found in error.errors))


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _answer(request, 404, error if error.args else "There is nothing at this address.")


@api.exception_handler(HttpError)
def of_the_request(request: HttpRequest, error: HttpError) -> HttpResponse:
    told = "The body is no JSON." if error.status_code == 400 else str(error)
    return _answer(request, error.status_code, told)

"""The API as a whole. What its routes may do stands in `rules.py`, as for pages."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from mlgolf import __version__
from mlgolf.core.errors import MLGolfError
from mlgolf_site.api import workers
from mlgolf_site.jobs.services import JobLost

api = NinjaAPI(
    title="ML Golf", version=__version__, urls_namespace="api", docs_url=None,
    description="Send a token as Authorization: Bearer TOKEN. Errors are {\"detail\": …}.",
)
api.add_router("/worker", workers.router)


@api.exception_handler(JobLost)
def job_lost(request: HttpRequest, error: JobLost) -> HttpResponse:
    return api.create_response(request, {"detail": str(error)}, status=409)


@api.exception_handler(MLGolfError)
def refused(request: HttpRequest, error: MLGolfError) -> HttpResponse:
    return api.create_response(request, {"detail": str(error)}, status=422)

"""Whose token it is, and what that person may still do."""

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from mlgolf_site.submitting import left_today

router = Router(tags=["account"])


class Me(Schema):
    name: str
    site: str
    token: str = Field(description="What you called it.")
    scope: str
    expires: datetime
    teams: list[str]
    left_today: int = Field(description="Submissions that you may still make.")
    requests_a_minute: int = Field(description="Of one token.")


@router.get("/me", response=Me, url_name="me", summary="Whose token it is")
def me(request: HttpRequest) -> Me:
    """To check a token before it is used."""
    token = request.token
    return Me(
        name=request.user.username, site=settings.CONFIG.name, token=token.name,
        scope=token.scope, expires=token.expires,
        teams=sorted(request.user.teams.values_list("name", flat=True)),
        left_today=left_today(request.user),
        requests_a_minute=settings.SITE.config.limits.api_requests,
    )

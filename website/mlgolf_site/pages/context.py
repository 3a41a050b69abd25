"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "site_name": settings.CONFIG.name, "sends_mail": settings.CONFIG.mail is not None,
        "roles": {role.name for role in getattr(request, "roles", ())},
    }

"""The OpenAPI document: complete enough to make a client from it.

Who may call what is read from `rules.py`, so the document says what the site does.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from mlgolf.core.text import key_in_words, printable
from mlgolf_site.api.guard import MINUTE
from mlgolf_site.rules import RULES, Role

DESCRIPTION = f"""\
Send a token as `Authorization: Bearer TOKEN`; tokens are made on the page Tokens of an account,
with a scope: `submit` submits and reads, `read` reads. What is public needs none.

Every error is `{{"detail": "…"}}`, in words: what was found, where, what is allowed.

Requests are limited, of a token or without one of an address. Beyond that the answer is 429, with
`Retry-After` in seconds, at most {MINUTE}. A 429 without it is a limit of submissions.

Lists come in pages: `page` from 1, `size` rows each; the answer has `page`, `pages`, `total`,
`rows`.
"""
LONGEST_SHOWN = 80  # characters of what was found
WORDS = {
    400: "The request cannot be read.",
    401: "No token, or one that is not good.",
    403: "The token is of somebody who may not, or of another scope.",
    404: "It is not there, or not for you.",
    405: "Another method is for this address.",
    409: "It contradicts what came before.",
    413: "It is too large.",
    422: "What was sent is not allowed: what, where, and what is.",
    429: "Too many requests or streams (with `Retry-After`), or submissions (without).",
}  # fmt: skip
HEADERS: dict[int, Any] = {
    429: {"headers": {"Retry-After": {
        "schema": {"type": "integer", "minimum": 1},
        "description": "Seconds; not of a limit of submissions.",
    }}},
    401: {"headers": {"WWW-Authenticate": {"schema": {"type": "string"}}}},
}  # fmt: skip
PROBLEM = {
    "title": "Problem", "type": "object", "required": ["detail"],
    "properties": {"detail": {"type": "string", "description": "In words."}},
}  # fmt: skip


class Api(NinjaAPI):
    """ninja's own, with errors in words, and a document that has them."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.url_name

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext]
    ) -> ValidationError:
        return ValidationError([
            {"told": _told(error)}
            for context in error_contexts
            for error in context.pydantic_validation_error.errors(include_url=False)
        ])

    def _get_urls(self) -> list[Any]:
        """With an address of the API itself that says where to read on."""
        return [*super()._get_urls()[:-1], path("", self._home, name="api-root")]

    def _home(self, request: HttpRequest) -> HttpResponse:
        return self.create_response(request, {
            "site": settings.CONFIG.name, "version": self.version,
            "openapi": request.build_absolute_uri("openapi.json"),
        }, status=200)  # fmt: skip

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        parts = document["components"]
        parts["schemas"]["Problem"] = PROBLEM
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for methods in document["paths"].values():
            for method, operation in methods.items():
                self._complete(method, operation)
        return document

    def _complete(self, method: str, operation: dict[str, Any]) -> None:
        rule = RULES[f"{self.urls_namespace}:{operation['operationId']}"]
        is_open = Role.ANYONE in rule.may
        operation["security"] = [{}, {"token": []}] if is_open else [{"token": []}]
        if rule.scopes:
            said = " or ".join(f"`{scope.value}`" for scope in sorted(rule.scopes))
            operation["description"] = (
                f"{operation.get('description', '')}\n\nScope of the token: {said}.".strip()
            )
        has_body = "requestBody" in operation
        codes = [401, 405, 429, *[403] * (not is_open), *[400, 404, 422] * bool(
            operation.get("parameters")
        ), *[400, 413, 422] * has_body, *[409] * (not is_open and method != "get")]
        for code in sorted(set(codes)):
            operation["responses"].setdefault(code, {
                "description": WORDS[code],
                "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Problem"}
                }},
                **HEADERS.get(code, {}),
            })  # fmt: skip


def _told(error: Any) -> str:
    """Which part, what was found, and what is allowed."""
    (_, *keys) = error["loc"]
    where = key_in_words(keys or error["loc"])
    if error["type"] == "missing" or isinstance(error["input"], dict):
        return f"{where}: it is missing"
    found = printable(repr(error["input"]))
    shown = found if len(found) <= LONGEST_SHOWN else f"{found[:LONGEST_SHOWN]}…"
    return f"{where}: found {shown}; {_allowed(error)}"


def _allowed(error: Any) -> str:
    match error["type"], error.get("ctx", {}):
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size", _:
            return "allowed is a whole number"
        case "greater_than_equal", {"ge": least}:
            return f"allowed is {least} or more"
        case "less_than_equal", {"le": most}:
            return f"allowed is {most} or less"
        case "string_too_long", {"max_length": most}:
            return f"allowed are {most} characters"
    said = error["msg"].removeprefix("Value error, ")
    start = "Input should be "
    return f"allowed is {said.removeprefix(start)}" if said.startswith(start) else said

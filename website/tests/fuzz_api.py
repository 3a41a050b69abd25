"""What a program may send to the API, as its OpenAPI document has it, and what it may not: make
security. In one process with the site, and bounded: each operation is asked MOST times of each kind
by nobody, a person, a person who may only read, a worker, and an administrator.
"""

import contextlib
import hashlib
import json
import os
import re

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, Worker
from mlgolf_site.jobs.services import lease
from mlgolf_site.people.models import Token
from mlgolf_site.submitting import submit
from uploads import folder_zip

MOST = int(os.environ.get("MLGOLF_FUZZ_EXAMPLES", "25"))
WHO = ("nobody", "person", "reader", "worker", "administrator")
KINDS = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.fixture(autouse=True)
def as_often_as_asked(settings, monkeypatch):
    """The limit of requests a minute is tested elsewhere; here it would end every test."""
    config = settings.SITE.config
    limits = config.limits.model_copy(update={"api_requests": 10**9})
    monkeypatch.setattr(settings.SITE, "config", config.model_copy(update={"limits": limits}))


@pytest.fixture
def tokens(contest, board, person):
    """Headers of each, and what stands at places of the addresses in half of the requests."""
    ada, boss = person("ada"), person("boss", is_superuser=True)
    run = submit(
        board, owner=ada, name="mine", file="a.zip",
        content=folder_zip(starter_folder(board.version)),
    )
    texts = {
        "person": Token.issue(ada, "p", Token.Scope.SUBMIT)[1],
        "reader": Token.issue(ada, "r", Token.Scope.READ)[1],
        "administrator": Token.issue(boss, "a", Token.Scope.SUBMIT)[1],
    }
    token, texts["worker"] = Token.issue(boss, "w", Token.Scope.WORKER)
    worker = Worker.objects.create(
        token=token, name="w", hardware="one-thread-cpu", sandbox="bubblewrap",
        public_key=hashlib.sha256(b"").hexdigest(),
    )
    job = lease(worker)
    known = {"pk": job.pk, "slug": contest.slug, "name": "mine", "key": str(run.key),
             "contest": contest.slug, "entry": "mine", "username": "ada"}
    return {who: {"Authorization": f"Bearer {text}"} for who, text in texts.items()}, known


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_one_that_the_document_has(tokens, who, kind):
    headers, known = tokens
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # answers as long as a run lasts

        @given(case=operation.as_strategy(generation_mode=kind))
        @settings(
            max_examples=MOST, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        )
        def ask(case):
            nonlocal asked
            asked += 1
            if asked % 2 and kind.is_positive:
                case.path_parameters = {
                    name: known.get(name, value) for name, value in case.path_parameters.items()
                }
            own = headers.get(who, {})
            answer = case.call(headers=own)
            assert answer.status_code < 500, case.as_curl_command()
            case.validate_response(answer, headers=own, excluded_checks=EXCLUDED)

        with contextlib.suppress(Unsatisfiable):  # nothing of it can be malformed
            ask()
    assert asked > 0
    assert not Run.objects.filter(counts=True).exists()
    assert not Job.objects.filter(state__in=["judging", "done"]).exists()


def _excluded():
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    out = (
        # A request that fits the document may name what is not there, or is not allowed to this
        # person: each is refused in words, which the document says of all operations alike.
        "positive_data_acceptance",
        # It asks again without a token, and takes what is public for what was left open: who may
        # call what is asked of every address by test_rules.py.
        "ignored_auth",
    )  # fmt: skip
    return [CHECKS.get_one(name) for name in out]


EXCLUDED = _excluded()


@pytest.mark.django_db
def test_the_document_says_every_address_of_the_api():
    from test_rules import ADDRESSES

    document = json.loads(json.dumps(
        schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application()).raw_schema
    ))
    told = {path.strip("/").replace("{", "<").replace("}", ">") for path in document["paths"]}
    there = {
        re.sub(r"<\w+:", "<", route).strip("/") for name, route in ADDRESSES
        if route.startswith("api/") and name not in ("api:openapi-json", "api:api-root")
    }
    assert told == there

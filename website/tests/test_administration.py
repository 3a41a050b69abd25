"""Django's administration: everything is there to be seen, and what may be changed is kept."""

import json

import pytest
from django.contrib import admin
from django.core.files.storage import default_storage
from django.test import Client
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.people.models import Team, Token, User
from mlgolf_site.submitting import submit
from uploads import folder_zip

pytestmark = pytest.mark.django_db
OURS = sorted(
    (model for model in admin.site._registry if model.__module__.startswith("mlgolf_site")),
    key=lambda model: model.__name__,
)


@pytest.fixture
def boss(person):
    client = Client()
    client.force_login(person("boss", is_superuser=True, is_staff=True))
    return client


@pytest.fixture
def filled(board, person):
    """A row of most things."""
    kim = person("kim")
    Team.objects.create(name="us", founder=kim).members.add(kim)
    token, text = Token.issue(kim, "laptop", Token.Scope.WORKER)
    Worker.objects.create(token=token, name="w", hardware="one-thread-cpu")
    content = folder_zip(starter_folder(board.version))
    submit(board, owner=kim, name="mine", file="a.zip", content=content)
    return token, text


def address(model, rest=""):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_everything_is_listed_and_searched_and_shows_no_token(boss, filled, model):
    token, text = filled
    pages = [boss.get(address(model)), boss.get(address(model, "?q=mine"))]
    if (one := model.objects.first()) is not None:
        pages.append(boss.get(address(model, f"{one.pk}/change/")))
    assert {page.status_code for page in pages} == {200}
    assert not any(
        secret in page.content.decode() for page in pages for secret in (token.sha256, text)
    )


def test_all_models_of_people_contests_entries_jobs_and_juries_are_there():
    told = {model.__name__ for model in OURS}
    assert told >= {
        "User", "Team", "Invitation", "Token", "Contest", "Version", "Board", "Announcement",
        "Entry", "Run", "Job", "Worker", "Challenge", "Remark", "Decision",
    }


def test_a_password_that_is_set_there_revokes_all_tokens(boss, filled):
    token, _ = filled
    answer = boss.post(address(User, f"{token.user.pk}/password/"), {
        "password1": "quite another 9", "password2": "quite another 9", "set-password": "1",
        "usable_password": "true",
    })  # fmt: skip
    assert answer.status_code == 302
    token.user.refresh_from_db()
    assert token.user.check_password("quite another 9")
    assert not token.user.tokens.exists()


def test_who_may_host_is_said_there(boss, person):
    user = person("grace")
    form = {"username": "grace", "email": user.email, "is_active": "on", "may_host": "on"}
    assert boss.post(address(User, f"{user.pk}/change/"), form).status_code == 302
    assert User.objects.get(pk=user.pk).may_host


def test_code_that_is_published_there_is_said_to_be_so_beside_its_bundle(
    boss, filled, django_capture_on_commit_callbacks
):  # fmt: skip
    run = Run.objects.get()
    form = {"owner": run.entry.owner_id, "team": "", "is_code_public": "on"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = boss.post(address(type(run.entry), f"{run.entry_id}/change/"), form)
    assert answer.status_code == 302
    with default_storage.open(f"{run.bundle}.json") as file:
        assert json.load(file)["is_code_public"]


def test_a_contest_that_is_changed_there_is_changed_as_by_its_hosts(boss, contest, person):
    lee = person("lee")
    form = {"title": "Another title", "prose": "", "is_public": "on", "code_shown": "owner",
            "hosts": [lee.pk]}
    assert boss.post(address(type(contest), f"{contest.pk}/change/"), form).status_code == 302
    contest.refresh_from_db()
    assert (contest.title, contest.edits, list(contest.hosts.all())) == ("Another title", 1, [lee])
    assert contest.edited.get().by.username == "boss"


def test_jobs_are_cancelled_there(boss, filled):
    job = Job.objects.get()
    boss.post(address(Job), {"action": "stop", "_selected_action": [job.pk]})
    assert State(Job.objects.get().state) is State.CANCELLED

"""Teams: nobody is in one without their own word, and everybody may leave."""

import json

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Entry
from mlgolf_site.pages.people_views import INVITES_AN_HOUR
from mlgolf_site.people.models import Invitation, Team
from mlgolf_site.people.services import MOST_INVITED
from mlgolf_site.submitting import submit
from uploads import folder_zip

pytestmark = pytest.mark.django_db


class Browser(Client):
    """Of somebody who has signed in."""

    def __init__(self, user):
        super().__init__()
        self.user = user
        self.force_login(user)

    def text(self, at):
        return self.get(at).content.decode()


@pytest.fixture
def ada(person):
    return Browser(person("ada"))


@pytest.fixture
def ben(person):
    return Browser(person("ben"))


@pytest.fixture
def team(ada):
    ada.post("/teams/", {"name": "pair"})
    return Team.objects.get(name="pair")


def names(team):
    return sorted(team.members.values_list("username", flat=True))


def invite(browser, name):
    return browser.post("/teams/pair/invite/", {"username": name}, follow=True).content.decode()


def test_who_is_invited_is_no_member_until_they_accept(team, ada, ben):
    assert "ben is invited" in invite(ada, "BEN")
    assert names(team) == ["ada"]
    assert "/teams/pair/accept/" in ben.text("/teams/")
    assert "/teams/pair/accept/" in ben.text("/mine/")
    assert "/teams/pair/accept/" in ben.text("/teams/pair/")
    ben.post("/teams/pair/accept/")
    assert names(team) == ["ada", "ben"]
    assert "/teams/pair/accept/" not in ben.text("/teams/")


def test_who_declines_is_no_member_and_no_longer_invited(team, ada, ben):
    invite(ada, "ben")
    ben.post("/teams/pair/decline/")
    assert names(team) == ["ada"]
    assert ben.post("/teams/pair/accept/").status_code == 403
    assert names(team) == ["ada"]


def test_an_invitation_that_was_withdrawn_cannot_be_accepted(team, ada, ben):
    invite(ada, "ben")
    ada.post("/teams/pair/invited/ben/withdraw/")
    assert ben.post("/teams/pair/accept/").status_code == 403
    assert names(team) == ["ada"]


def test_nobody_accepts_for_somebody_else(team, ada, ben, person):
    invite(ada, "ben")
    assert Browser(person("eve")).post("/teams/pair/accept/").status_code == 403
    assert ada.post("/teams/pair/accept/").status_code == 403
    assert names(team) == ["ada"]


def test_who_is_invited_is_for_members_to_see(team, ada, ben, person):
    invite(ada, "ben")
    assert "/invited/ben/withdraw/" in ada.text("/teams/pair/")
    assert "ben" not in Client().get("/teams/pair/").content.decode()
    assert "Invited" not in Browser(person("eve")).text("/teams/pair/")


@pytest.mark.parametrize(("name", "words"), [
    ("nobody", "There is nobody called nobody."),
    ("ada", "Nothing to do: ada is a member of pair."),
    ("ben", "Nothing to do: ben is invited, and has not answered yet."),
    ("", "This field is required."),
    ("gone", "There is nobody called gone."),
])  # fmt: skip
def test_why_somebody_cannot_be_invited_is_said_and_the_name_stays(
    team, ada, ben, person, name, words
):  # fmt: skip
    person("gone", is_active=False)
    invite(ada, "ben")
    answer = ada.post("/teams/pair/invite/", {"username": name})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'value="{name}"' in answer.content.decode() or not name
    assert Invitation.objects.count() == 1


def test_open_invitations_of_one_team_are_limited(team, ada, person):
    for number in range(MOST_INVITED):
        Invitation.objects.create(team=team, user=person(f"p{number}"), by=ada.user)
    person("more")
    assert f"{MOST_INVITED} people are invited" in invite(ada, "more")


def test_nobody_invites_without_end(team, ada, ben, monkeypatch):
    monkeypatch.setattr("mlgolf_site.people.often.time", lambda: 1_000_000.0)
    for _ in range(INVITES_AN_HOUR):
        invite(ada, "nobody")
    assert f"You have invited {INVITES_AN_HOUR} people in an hour" in invite(ada, "ben")


def test_who_leaves_keeps_their_own_entries_and_loses_those_of_others(
    team, ada, ben, board, contest
):  # fmt: skip
    content = folder_zip(starter_folder(board.version))
    team.members.add(ben.user)
    for browser in (ada, ben):
        submit(board, owner=browser.user, name=f"of-{browser.user}", file="a.zip", content=content,
               team=team)  # fmt: skip
    ben.post("/teams/pair/leave/")
    assert names(team) == ["ada"]
    entries = {entry.name: entry for entry in Entry.objects.all()}
    assert entries["of-ben"].is_of(ben.user)
    assert not entries["of-ada"].is_of(ben.user)
    assert entries["of-ben"].is_of(ada.user)


def test_a_team_whose_last_member_leaves_stays_with_its_entries(team, ada, ben, board, contest):
    submit(board, owner=ada.user, name="ours", file="a.zip", team=team,
           content=folder_zip(starter_folder(board.version)))  # fmt: skip
    invite(ada, "ben")
    assert "the last member" in ada.text("/teams/pair/")
    ada.post("/teams/pair/leave/")
    assert names(team) == []
    text = Client().get("/teams/pair/").content.decode()
    assert "all have left" in text
    assert "/e/ours/" in text
    assert Entry.objects.get().team == team
    assert ben.post("/teams/pair/accept/").status_code == 403  # nobody invites to it any more


@pytest.mark.django_db(transaction=True)
def test_the_file_of_a_team_has_its_members_alone(team, ada, ben):
    def members():
        with default_storage.open("teams/pair.json") as file:
            return json.load(file)["members"]

    invite(ada, "ben")
    assert members() == ["ada"]
    ben.post("/teams/pair/accept/")
    assert members() == ["ada", "ben"]
    ada.post("/teams/pair/leave/")
    assert members() == ["ben"]

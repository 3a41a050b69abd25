"""Signing in and up, second factors, passwords and the tokens that end with them."""

import re

import pytest
from attackers import PASSWORD, sign_in
from django.test import Client
from mlgolf_site.config import Mail
from mlgolf_site.people.models import Team, Token
from mlgolf_site.protocol import LOCAL_WORKER
from test_rules import WHO, people

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

def test_signing_in_is_refused_for_a_while_after_some_wrong_passwords(person):
    person("ada")
    for _ in range(5):
        assert "too many" not in sign_in("ada", "wrong").content.decode().lower()
    answer = sign_in("ada", PASSWORD)
    assert answer.status_code in (200, 429)
    assert "too many" in answer.content.decode().lower()


def test_wrong_passwords_are_counted_for_all_processes_of_a_site():
    from django.core.cache import caches
    from django.core.cache.backends.db import DatabaseCache

    assert isinstance(caches["default"], DatabaseCache)


def test_administration_is_signed_in_to_as_everything_else():
    answer = Client().get("/admin/login/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_administration_asks_for_a_second_factor_where_the_site_has_https(people, settings):
    clients, _, _, _ = people
    assert clients["administrator"].get("/admin/").status_code == 200
    settings.CONFIG = settings.CONFIG.model_copy(update={"https": True})
    answer = clients["administrator"].get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/2fa/")


@pytest.mark.parametrize("who", [w for w in WHO if w not in ("administrator", "worker")])
def test_administration_is_for_administrators_alone(people, who):
    clients, _, _, _ = people
    for at in ("/admin/", "/admin/mfa/authenticator/", "/admin/auth/group/add/"):
        assert clients[who].get(at).status_code == (302 if who == "stranger" else 403)


def test_the_secret_of_a_second_factor_is_shown_to_nobody(people):
    from allauth.mfa.models import Authenticator

    clients, _, _, _ = people
    one = Authenticator.objects.create(
        user=Team.objects.get(name="team").founder, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"}
    )
    page = clients["administrator"].get(f"/admin/mfa/authenticator/{one.pk}/change/")
    assert page.status_code == 200
    assert "JBSWY3DPEHPK3PXP" not in page.content.decode()


def test_a_name_and_an_address_with_a_wrong_password_are_told_the_same_as_unknown_ones(person):
    person("ada")
    texts = [
        sign_in(name, "wrong", REMOTE_ADDR=f"10.0.0.{n}").content.decode().replace(name, "NAME")
        for n, name in enumerate(["ada", "qux", "ada@example.org", "qux@example.org"])
    ]
    texts = [re.sub(r'value="[^"]{64}"', "", text) for text in texts]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


def test_only_administrators_sign_in_without_a_confirmed_address(person, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    person("ada")
    person("boss", is_superuser=True)
    assert sign_in("ada", PASSWORD)["Location"] == "/accounts/confirm-email/"
    assert sign_in("boss", PASSWORD)["Location"] == "/"


def test_signing_up_with_somebodys_address_looks_as_with_ones_own(person):
    from allauth.account.models import EmailAddress

    ada = person("ada")
    EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
    answers = []
    for name, email in (("eve", "ada@example.org"), ("bob", "bob@example.org")):
        answers.append(Client().post("/accounts/signup/", {
            "username": name, "email": email, "password1": "correct horse battery",
        }))  # fmt: skip
    assert [(a.status_code, a.get("Location")) for a in answers] == 2 * [
        (answers[0].status_code, answers[0].get("Location"))
    ]


@pytest.mark.parametrize("sends", [False, True])
def test_nobody_is_told_that_a_mail_was_sent_by_a_site_without_mail(db, settings, sends):
    if sends:
        mail = Mail(host="localhost", sender="golf@example.org")
        settings.CONFIG = settings.CONFIG.model_copy(update={"mail": mail})
    client = Client()
    reset = client.get("/accounts/password/reset/").content.decode()
    assert ("sends no mail. Ask its administrator" in reset) != sends
    assert ('name="email"' in reset) == sends
    pages = [
        client.post("/accounts/password/reset/", {"email": "a@example.org"}, follow=True),
        client.post("/accounts/signup/", {
            "username": "bob", "email": "bob@example.org", "password1": "correct horse battery",
        }, follow=True),
        client.get("/accounts/confirm-email/"),
    ]  # fmt: skip
    for page in pages:
        assert (" was sent to " in page.content.decode()) == sends
        assert ("This site sends no mail" in page.content.decode()) != sends


@pytest.mark.parametrize("name", ["mlgolf", "Admin", "team", "<b>x</b>", "a b", "é", "x" * 31])
def test_nobody_takes_a_name_that_looks_as_the_sites_or_as_a_teams(person, name):
    Team.objects.create(name="team", founder=person("ada"))
    answer = Client().post("/accounts/signup/", {
        "username": name, "email": "eve@example.org", "password1": "correct horse battery",
    })  # fmt: skip
    assert answer.status_code == 200
    assert 'name="username"' in answer.content.decode()


@pytest.mark.parametrize("where", [
    "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)",
    "https:evil.example", "http://testserver@evil.example",
])  # fmt: skip
def test_nobody_is_led_elsewhere_by_signing_in(person, where):
    person("ada")
    answer = Client().post(
        "/accounts/login/", {"login": "ada", "password": PASSWORD, "next": where}
    )
    assert answer.status_code == 302
    assert answer["Location"] == "/"


def test_a_form_without_the_secret_of_its_browser_is_refused(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ada"))
    answer = client.post("/teams/", {"name": "mine"})
    assert answer.status_code == 403
    assert "The form did not come from a page of this site" in answer.content.decode()
    assert not Team.objects.exists()


def test_a_session_ends_with_the_password_that_it_was_begun_with(person):
    ada = person("ada")
    client = Client()
    client.force_login(ada)
    ada.set_password("another long one")
    ada.save()
    assert client.get("/mine/").status_code == 302


NEW = "quite another 9"


def changes_it(client, person, mailoutbox):
    client.force_login(person)
    form = "/accounts/password/change/"
    assert "revokes all tokens" in client.get(form).content.decode()
    return client.post(form, {
        "oldpassword": PASSWORD, "password1": NEW, "password2": NEW,
    })  # fmt: skip


def resets_it_by_mail(client, person, mailoutbox):
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    client.post("/accounts/password/reset/", {"email": person.email})
    at = re.search(r"http://testserver(/\S+)", mailoutbox[0].body)[1]
    form = client.get(at)["Location"]
    assert "revokes all tokens" in client.get(form).content.decode()
    return client.post(form, {"password1": NEW, "password2": NEW})


@pytest.mark.parametrize("set_new", [changes_it, resets_it_by_mail])
def test_a_new_password_revokes_all_tokens_and_the_page_says_so(person, mailoutbox, set_new):
    ada, eve = person("ada"), person("eve")
    for scope in Token.Scope:
        _, text = Token.issue(ada, "t", scope)
    Token.issue(eve, "t", Token.Scope.READ)
    client = Client()
    answer = set_new(client, ada, mailoutbox)
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert [str(token.user) for token in Token.objects.all()] == ["eve"]
    assert "revoked" in client.get(answer["Location"]).content.decode()
    said = Client().get("/api/me", headers={"Authorization": f"Bearer {text}"})
    assert (said.status_code, "revoked" in said.json()["detail"]) == (401, True)


def test_a_new_password_of_an_administrator_leaves_the_sites_own_workers_alone(person):
    boss = person("boss", is_superuser=True)
    own, _ = Token.issue(boss, f"{LOCAL_WORKER}, laptop", Token.Scope.WORKER)
    Token.issue(boss, f"{LOCAL_WORKER}, laptop", Token.Scope.SUBMIT)
    boss.set_password(NEW)
    boss.save()
    assert list(Token.objects.all()) == [own]


def test_nobody_makes_a_token_with_a_name_of_the_sites_own(person):
    client = Client()
    client.force_login(person("boss", is_superuser=True))
    answer = client.post("/tokens/", {"name": "Local worker, 2", "scope": "worker", "days": 3})
    assert "Names of the site&#x27;s own tokens begin with" in answer.content.decode()
    assert not Token.objects.exists()


def test_a_hash_that_is_made_anew_at_signing_in_revokes_nothing(person):
    from django.contrib.auth.hashers import Argon2PasswordHasher

    ada = person("ada")
    weak = Argon2PasswordHasher()
    weak.time_cost = 1
    ada.password = weak.encode(PASSWORD, weak.salt())
    ada.save()
    before = ada.password
    Token.issue(ada, "t", Token.Scope.READ)
    assert sign_in("ada", PASSWORD).status_code == 302
    ada.refresh_from_db()
    assert ada.password != before
    assert ada.tokens.count() == 1

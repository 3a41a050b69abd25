"""A real Chromium, and a site that is served for the tests of one file."""

import shutil

import pytest
from populated import PASSWORD
from served import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("site"))
    served.wait_for(r"is at (http://\S+) \(after ([\d.]+) s\)", 90)
    yield served
    served.end()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "install Debian's chromium"
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as playwright:
        # It runs a loop in this thread, in which Django's own checks see one of a server.
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


@pytest.fixture
def page(browser, site):
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def register(page, name):
    """Somebody new, who is then signed in."""
    page.goto("/accounts/signup/")
    page.fill("input[name=username]", name)
    page.fill("input[name=email]", f"{name}@example.org")
    page.fill("input[name=password1]", "correct horse battery")
    page.click("main button[type=submit], main form button")
    page.wait_for_selector("text=My entries")


def signed_in(browser, site, who, password=PASSWORD, **options):
    """A context of somebody's browser. Args: who: empty for nobody."""
    context = browser.new_context(base_url=site.url, **options)
    if who:
        page = context.new_page()
        page.goto("/accounts/login/")
        page.fill("input[name=login]", who)
        page.fill("input[name=password]", password)
        page.click("main form button[type=submit]")
        page.wait_for_selector("text=Sign out")
        page.close()
    return context

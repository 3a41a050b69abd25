"""In a real Chromium, against a site that is served: what a person does."""

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from served import Served

pytestmark = pytest.mark.browser
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in this thread
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
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
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
    page.goto("/accounts/signup/")
    page.fill("input[name=username]", name)
    page.fill("input[name=email]", f"{name}@example.org")
    page.fill("input[name=password1]", "correct horse battery")
    page.click("main button[type=submit], main form button")
    page.wait_for_selector("text=My entries")


def test_a_person_registers_submits_the_starter_kit_watches_it_and_sees_it_on_the_leaderboard(
    page, site, tmp_path: Path
):  # fmt: skip
    began = time.monotonic()
    register(page, "ada")
    page.goto("/c/cancer-nuclear/")
    with page.expect_download() as download:
        page.click("text=Starter kit")
    kit = tmp_path / "starter.zip"
    download.value.save_as(kit)
    page.click("a.button:has-text('Submit')")
    page.fill("input[name=name]", "adas-first")
    page.set_input_files("input[name=file]", kit)
    page.click("button[name=submit]")
    page.wait_for_url("**/e/adas-first/")
    page.wait_for_selector("#curve svg", timeout=90_000)  # it is played, and drawn as it goes on
    page.wait_for_selector("h2:has-text('Verdict')", timeout=120_000)
    assert page.locator("td:has-text('qualified')").count() >= 4
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        page.goto("/c/cancer-nuclear/")
        if page.locator("tbody th a:has-text('adas-first')").count():
            break
        time.sleep(0.5)
    row = page.locator("tr", has=page.locator("a:has-text('adas-first')")).first
    assert re.search(r"\d", row.inner_text())
    print(f"from the form to the leaderboard: {time.monotonic() - began:.0f} s")

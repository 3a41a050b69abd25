"""In a real Chromium: a contest from its table to the jury's decision, by five people."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from browsing import register, signed_in

pytestmark = pytest.mark.browser
CONTEST = "leaves"


@contextmanager
def at_work(browser, site, name: str, password: str = "") -> Iterator:
    """A page of somebody: of who has a password there, or of somebody new."""
    options = {"accept_downloads": True}
    if password:
        context = signed_in(browser, site, name, password, **options)
    else:
        context = browser.new_context(base_url=site.url, **options)
    page = context.new_page()
    if not password:
        register(page, name)
    yield page
    context.close()


def until(page, path: str, selector: str, seconds: float = 90.0):
    """Look at a page again until something is there."""
    end = time.monotonic() + seconds
    while True:
        page.goto(path)
        found = page.locator(selector)
        if found.count():
            return found
        assert time.monotonic() < end, page.locator("main").inner_text()
        time.sleep(0.5)


def table() -> bytes:
    """Two kinds of leaves that a line tells apart."""
    chance = random.Random(5)
    rows = []
    for n in range(120):
        kind = n % 2
        length, width = chance.gauss(3 + 4 * kind, 0.4), chance.gauss(5 - 3 * kind, 0.4)
        rows.append(f"{length:.3f},{width:.3f},{('oak', 'ash')[kind]}")
    return "\n".join(["length,width,kind", *rows]).encode()


def submit_starter_kit(page, name: str, folder) -> None:
    page.goto(f"/c/{CONTEST}/")
    with page.expect_download() as download:
        page.click("text=Starter kit")
    kit = folder / f"{name}.zip"
    download.value.save_as(kit)
    page.goto(f"/c/{CONTEST}/submit/")
    page.fill("input[name=name]", name)
    page.set_input_files("input[name=file]", kit)
    page.click("button[name=submit]")
    page.wait_for_url(f"**/e/{name}/")


def row_of(page, name: str) -> str:
    """Its line of the leaderboard, as text, without its rank."""
    row = page.locator("#leaderboard tbody tr", has=page.locator(f"a:text-is('{name}')"))
    return row.first.inner_text().partition("\t")[2]


def test_a_table_becomes_a_contest_in_which_one_of_two_entries_is_challenged_and_disqualified(
    browser, site, tmp_path
):  # fmt: skip
    known = re.search(r"administrator: (\S+), password: (\S+) \(", site.said)
    with ExitStack() as stack:
        admin, grace, ada, karl, judith = (
            stack.enter_context(at_work(browser, site, *who)) for who in
            (known.groups(), ("grace",), ("ada",), ("karl",), ("judith",))
        )  # fmt: skip
        # An administrator lets somebody host.
        admin.goto("/admin/people/user/?q=grace")
        admin.click("#result_list a:text-is('grace')")
        admin.check("input[name=may_host]")
        admin.click("input[name=_save]")
        admin.wait_for_selector("text=was changed successfully")

        # The host makes a game from a table, and names a jury.
        grace.goto("/host/")
        grace.click("text=From a table (CSV)")
        grace.set_input_files("input[name=file]", {
            "name": "leaves.csv", "mimeType": "text/csv", "buffer": table(),
        })  # fmt: skip
        grace.fill("input[name=name]", CONTEST)
        grace.fill("input[name=title]", "Oak or ash")
        grace.fill("input[name=licence]", "CC0-1.0")
        grace.fill("input[name=budget_seconds]", "1")
        grace.check("input[name=is_public]")
        grace.click("button:text-is('Check it')")
        grace.wait_for_selector("text=Nothing stands against it.")
        grace.click("button[name=make]")
        grace.wait_for_selector("h1:has-text('Oak or ash')")
        grace.goto(f"/c/{CONTEST}/host/")
        grace.fill("input[name=jury]", "judith")
        grace.click("button[name=save]")
        until(grace, f"/c/{CONTEST}/host/", "td:has-text('Has a verdict')")  # of the dry run

        # Two enter, and stand on the leaderboard.
        submit_starter_kit(ada, "adas-leaf", tmp_path)
        submit_starter_kit(karl, "karls-leaf", tmp_path)
        for name in ("adas-leaf", "karls-leaf"):
            until(ada, f"/c/{CONTEST}/", f"#leaderboard tbody a:text-is('{name}')")
        before = row_of(ada, "adas-leaf")
        assert re.search(r"\d", before)

        # One doubts the other's, who answers.
        ada.goto(f"/c/{CONTEST}/e/karls-leaf/")
        ada.click("text=Challenge this entry")
        ada.fill("textarea[name=doubt]", "It is the **starter kit**, unchanged.")
        ada.fill("textarea[name=evidence]", "The SHA-256 of both is the same.")
        ada.click("button:text-is('Challenge it')")
        ada.wait_for_selector("h1:has-text('Challenge against')")
        karl.goto(ada.url)
        karl.fill("textarea[name=text]", "So is yours.")
        karl.click("button:text-is('Say it')")
        karl.wait_for_selector("article:has-text('So is yours.')")

        # The jury decides, in public; the entry leaves a tombstone.
        judith.goto(karl.url)
        judith.click("a.button:text-is('Decide')")
        judith.fill("input[name=rule]", "the host's words")
        judith.select_option("select[name=decision]", "disqualified")
        judith.fill("textarea[name=action]", "submitted the starter kit as it was")
        judith.fill("textarea[name=reason]", "An entry has an idea of its own.")
        judith.fill("textarea[name=evidence]", "the SHA-256 of its code is that of the starter kit")
        judith.click("button:text-is('Decide')")
        judith.wait_for_selector("h1:has-text('disqualified')")
        tombstone = "#leaderboard del:text-is('karls-leaf')"
        until(ada, f"/c/{CONTEST}/", tombstone)
        assert not ada.locator("#leaderboard tbody a:text-is('karls-leaf'):not(:has(del))").count()

        # The host has everything judged anew: nothing changes, and the decision stands.
        grace.goto(f"/c/{CONTEST}/host/")
        grace.select_option("select[name=board]", index=1)
        grace.click("button[name=judge]")
        end = time.monotonic() + 60
        while grace.locator("text=to be judged anew.").count():
            assert time.monotonic() < end
            time.sleep(0.5)
            grace.goto(f"/c/{CONTEST}/host/")
        until(ada, f"/c/{CONTEST}/", tombstone)
        assert row_of(ada, "adas-leaf") == before

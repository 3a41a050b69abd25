"""In a real Chromium, against a site that is served: what a person does."""

import re
import time
from pathlib import Path

import pytest
from browsing import register, signed_in
from populated import populated

pytestmark = pytest.mark.browser


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


# --- all pages ---

AXE = Path(__file__).parent / "axe" / "axe.min.js"
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def pages(site):
    """A site with something of everything: its pages, and those of a run that was played."""
    return populated(site.folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_grave_fault_of_accessibility(browser, site, pages, scheme):
    found = {}
    for who in dict.fromkeys(shown.by for shown in pages):
        # The policy of the pages lets no script in but their own.
        context = signed_in(browser, site, who, bypass_csp=True, color_scheme=scheme)
        page = context.new_page()
        for shown in pages:
            if shown.by != who:
                continue
            page.goto(shown.path)
            page.add_script_tag(path=AXE)
            faults = page.evaluate("axe.run().then(found => found.violations)")
            found |= {
                f"{shown.name}: {fault['id']}": [node["html"] for node in fault["nodes"]]
                for fault in faults if fault["impact"] in GRAVE
            }
        context.close()
    assert found == {}


def test_no_page_is_wider_than_a_phone(browser, site, pages):
    wide = {}
    for who in dict.fromkeys(shown.by for shown in pages):
        context = signed_in(browser, site, who, viewport={"width": 390, "height": 844})
        page = context.new_page()
        for shown in pages:
            if shown.by == who:
                page.goto(shown.path)
                more = "document.documentElement.scrollWidth - window.innerWidth"
                if (pixels := page.evaluate(more)) > 0:
                    wide[shown.name] = pixels
        context.close()
    assert wide == {}


def test_a_page_whose_live_log_is_refused_says_so_and_is_loaded_again(browser, site, pages):
    context = signed_in(browser, site, "")
    page, refused = context.new_page(), []

    def refuse(route):
        refused.append(route.request.url)
        route.fulfill(status=429, body="Too many.")

    page.route("**/events/**", refuse)
    page.clock.install()
    (at,) = [shown.path for shown in pages if shown.name == "entry_playing"]
    page.goto(at)
    page.wait_for_selector("text=This page is loaded again every 15 seconds instead")
    assert page.locator("#log").inner_text()  # the end of the log came with the page
    with page.expect_navigation():
        page.clock.fast_forward(16_000)
    page.wait_for_selector("text=This page is loaded again every 15 seconds instead")
    assert len(refused) == 2
    context.close()


def test_the_first_key_leads_past_the_navigation(page):
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_without_script_a_person_reads_a_board_and_an_entry_and_submits(
    browser, site, pages, tmp_path
):  # fmt: skip
    context = signed_in(browser, site, "galois", java_script_enabled=False)
    page = context.new_page()
    page.goto("/c/cancer-nuclear/")
    assert page.locator("#leaderboard tbody tr").count() == 100
    page.click("#leaderboard nav >> text=Next")
    assert page.locator("#leaderboard tbody tr").count() >= 30
    page.click("#leaderboard summary >> nth=0")
    assert page.locator("#leaderboard details[open] li").count() == 5
    page.goto("/c/cancer-nuclear/submit/")
    page.fill("input[name=name]", "without-script")
    page.fill("textarea[name=text]", "def play(game):\n    game.submit(game.zeros())\n")
    page.click("button[name=submit]")
    page.wait_for_url("**/e/without-script/")
    assert page.locator(".state").inner_text()
    context.close()

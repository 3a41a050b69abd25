"""Pictures of every page, to be looked at: python screenshots.py FOLDER [PART-OF-A-NAME…]

Serves a new site with entries in every state, and writes NAME_light.png, NAME_dark.png and
NAME_phone.png of each page.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from populated import MIA, PASSWORD, Shown, populated
from served import Served

LOOKS = {
    "light": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light",
              "device_scale_factor": 2},
}  # fmt: skip
SECONDS_TO_DRAW = 12  # until the keeper has drawn the boards


def main() -> int:
    from playwright.sync_api import sync_playwright

    into, wanted = Path(sys.argv[1]), sys.argv[2:]
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mlgolf-pictures-") as scratch:
        served = Served(Path(scratch), "--workers", "0")
        try:
            served.wait_for(r"is at (http://\S+)", 90)
            pages = populated(Path(scratch))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                _wait_until_drawn(browser, served.url)
                for look, options in LOOKS.items():
                    _look(browser, served.url, look, options, pages, into, wanted)
                browser.close()
        finally:
            served.end()
            print(served.said)
    return 0


def _wait_until_drawn(browser, url: str) -> None:
    page = browser.new_page()
    for slug in ("cancer-nuclear", "digits-l2", "mini"):
        for _ in range(2 * SECONDS_TO_DRAW):
            page.goto(f"{url}/c/{slug}/")
            if page.locator("main figure img").count():
                break
            page.wait_for_timeout(500)
    page.close()


def _look(browser, url, look, options, pages: list[Shown], into: Path, wanted) -> None:
    contexts = {}
    for who in dict.fromkeys(page.by for page in pages):
        contexts[who] = browser.new_context(base_url=url, **options)
        if who:
            _sign_in(contexts[who].new_page(), who)
    for shown in pages:
        if wanted and not any(part in shown.name for part in wanted):
            continue
        page = contexts[shown.by].new_page()
        page.goto(shown.path)
        _scroll(page)
        page.screenshot(path=into / f"{shown.name}_{look}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            print(f"{shown.name} {look}: {wide} px too wide")
        page.close()
    for name, act in _ACTS.items():
        if wanted and not any(part in name for part in wanted):
            continue
        who, do = act
        context = browser.new_context(base_url=url, **options) if who is None else contexts[who]
        page = context.new_page()
        do(page)
        page.screenshot(path=into / f"{name}_{look}.png", full_page=True)
        page.close()
    for context in contexts.values():
        context.close()


def _scroll(page) -> None:
    """Pictures further down are loaded when they come into view."""
    page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
    page.wait_for_load_state("load")
    page.wait_for_timeout(250)


def _sign_in(page, who: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_load_state()


def _wrong_submission(page) -> None:
    page.goto("/c/cancer-nuclear/submit/")
    page.fill("input[name=name]", "My Entry!")
    page.fill("input[name=based_on]", "nobody-knows")
    page.click("button[name=submit]")


def _refused_code(page) -> None:
    page.goto("/c/cancer-nuclear/submit/")
    page.fill("input[name=name]", "my-entry")
    page.fill("textarea[name=text]", "def play(:\n    pass\n")
    page.click("button[name=submit]")


def _checked(page) -> None:
    page.goto("/c/cancer-nuclear/submit/")
    page.fill("input[name=name]", "my-entry")
    page.fill("textarea[name=text]", "def play(game):\n    game.submit(game.zeros())\n")
    page.click("button[name=check]")


def _new_token(page) -> None:
    page.goto("/tokens/")
    page.fill("input[name=name]", "cluster")
    page.click("main form.form button")


def _wrong_password(page) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "somebody")
    page.fill("input[name=password]", "wrong")
    page.click("main form button[type=submit]")


def _wrong_name(page) -> None:
    page.goto("/accounts/signup/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=email]", "x@example.org")
    page.fill("input[name=password1]", "123")
    page.click("main form button[type=submit]")


def _asked_for_a_code(page) -> None:
    _sign_in(page, MIA)


def _focus(page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")


_ACTS = {
    "submit_wrong": ("kim", _wrong_submission), "submit_refused": ("kim", _refused_code),
    "submit_checked": ("kim", _checked), "tokens_new": ("kim", _new_token),
    "sign_in_wrong": (None, _wrong_password), "register_wrong": (None, _wrong_name),
    "second_factor_asked": (None, _asked_for_a_code), "skip_link": (None, _focus),
}


if __name__ == "__main__":
    sys.exit(main())

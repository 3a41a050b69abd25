"""The report as its reader, and as a hostile contestant, would have it."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import polars as pl
import pytest
from synthetic_trials import competition, plausible_run, reaching, trial, workload_rules

from mlgolf.core.status import Status
from mlgolf.report.page import write_report
from mlgolf.scoring.dual import dual
from mlgolf.scoring.leaderboard import score_competition
from mlgolf.scoring.review import review_trials

RULES = competition(["digits", "wmt"])
HOSTILE = '"><img src=x onerror=alert(1)><script>alert("&lt;")</script>'
FIGURES = (
    "training_curves", "times_to_target", "performance_profile", "win_probability",
    "rank_against_target", "runtime_distribution", "training_time",
)


class Elements(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def report(path, rules, trials) -> str:
    write_report(review_trials(rules, trials, "external"), trials, path / "r.html")
    return (path / "r.html").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(folder) -> str:
    return report(folder, RULES, plausible_run(RULES.workloads, ["adam", "sgd"]))


def test_the_sections_come_in_the_order_of_a_readers_questions(page):
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Leaderboard", "Training curves", "Results of every study", "Performance profile",
        "Win probability", "Ranks at easier targets", "Runtime distribution", "Training time",
        "Sensitivity to rule interpretations", "Best hyperparameters", "How the trials ended",
        "Machine and clock",
    ]


def test_the_board_shows_what_was_scored(page):
    board = score_competition(RULES, plausible_run(RULES.workloads, ["adam", "sgd"]), "external")
    text = Elements(page).text
    for entry in board.entries:
        assert f"{entry.score:.4f}" in text
        assert all(f"×{cell.ratio:.2f}" in text for cell in entry.cells.values())


def test_the_page_fetches_nothing_and_runs_only_its_own_script(page):
    loads = ("link", "img", "iframe", "object", "embed", "image", "audio", "video", "base")
    tags = Elements(page).tags
    assert not [tag for tag, _ in tags if tag in loads]
    assert not [a for _, attrs in tags for a in attrs if a in ("src", "href", "xlink:href")]
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_figures_lie_beside_the_page_in_both_themes_with_their_tables(folder, page):
    for name in FIGURES:
        for theme in ("", "_dark"):
            ElementTree.parse(folder / "r_figures" / f"{name}{theme}.svg")
        assert not pl.read_csv(folder / "r_figures" / f"{name}.csv").is_empty()


def test_every_figure_stands_in_the_page_and_all_ids_differ(page):
    tags = Elements(page).tags
    assert [tag for tag, _ in tags].count("svg") == 2 + 2 + 5  # two with a panel for each workload
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_progress_counts_every_drawing_once(tmp_path):
    told = []
    trials = plausible_run(RULES.workloads, ["adam", "sgd"])
    review = review_trials(RULES, trials, "external")
    write_report(review, trials, tmp_path / "r.html", lambda *step: told.append(step))
    assert [done for _, done, _ in told] == list(range(2 + 2 + 5))
    assert {total for _, _, total in told} == {2 + 2 + 5}
    assert told[0][0] == "drawing training curves"


def test_the_file_of_a_figure_has_all_its_panels_and_the_legend(folder, page):
    words = [
        element.text
        for element in ElementTree.parse(folder / "r_figures" / "training_curves.svg").iter()
    ]
    assert {"digits", "wmt", "adam", "sgd"} <= set(words)


def test_ids_in_the_file_of_a_figure_differ(folder, page):
    svg = (folder / "r_figures" / "training_curves.svg").read_text()
    ids = re.findall(r' id="(\w+)"', svg)
    assert ids
    assert len(ids) == len(set(ids))


def test_colours_follow_the_system_and_the_button(page):
    assert "@media (prefers-color-scheme: dark) { :root:not([data-theme=light])" in page
    assert ":root[data-theme=dark] { --paper:" in page
    assert 'id="theme"' in page


def test_the_best_hyperparameters_are_those_of_the_best_trial(folder, page):
    studies = pl.read_csv(folder / "r_figures" / "times_to_target.csv")
    own = studies.filter((pl.col("submission") == "adam") & (pl.col("workload") == "digits"))
    best = own.sort("value").row(0, named=True)
    rows = re.findall("<tr><th>digits</th><td>(.*?)</td><td>(.*?)</td>", page)
    assert rows[0] == (str(best["study"]), str(best["trial"]))


def test_bad_ends_are_told_with_their_reasons(tmp_path):
    trials = [
        *reaching("a", "digits", [5, 6, 7]),
        trial("a", trial=2, status=Status.CRASHED, reason="ValueError: no such key"),
        trial("a", trial=3, status=Status.CRASHED, reason="ValueError: no such key"),
        trial("a", trial=4, status=None, reason="no verdict yet"),
    ]
    text = Elements(report(tmp_path, RULES, trials)).text
    assert "crashed2digits, study 0, trial 2ValueError: no such key" in text
    assert "1 trial left out: no verdict yet" in text


def test_the_machine_is_told_and_where_trials_differ_how_many_ran_on_which(tmp_path):
    headers = [
        {"machine": {"cpu": "A", "memory": {"bytes": 8}}, "clock": {"rule": "cpu"}},
        {"machine": {"cpu": "B", "memory": {"bytes": 8}}}, {}, {},
    ]
    trials = [trial("a", trial=i + 1, header=header) for i, header in enumerate(headers)]
    text = Elements(report(tmp_path, RULES, trials)).text
    assert "machinecpuA (1 trial); B (1 trial)" in text
    assert "memory.bytes8 (2 trials)" in text
    assert "clockrulecpu (1 trial)" in text


def test_whatever_a_contestant_names_or_says_is_only_text(tmp_path):
    trials = reaching(
        HOSTILE, "digits", [5, 6, 7], hyperparameters={HOSTILE: HOSTILE},
        header={"machine": {HOSTILE: HOSTILE}, "sandbox": {HOSTILE: HOSTILE}},
    )
    trials.append(trial(HOSTILE, trial=2, status=Status.CRASHED, reason=HOSTILE))
    html = report(tmp_path, RULES, trials)
    page = Elements(html)
    tags = [tag for tag, _ in page.tags]
    assert "img" not in tags
    assert tags.count("script") == 1
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    assert page.text.count("onerror=alert(1)") >= 8
    for figure in (tmp_path / "r_figures").glob("*.svg"):
        root = ElementTree.parse(figure).getroot()
        assert not [element for element in root.iter() if element.tag.endswith(("script", "img"))]


def test_a_run_without_a_trial_that_counts_has_a_report_too(tmp_path):
    for trials in ([], [trial("a", seconds=[1], values=[0.1], status=None)]):
        html = report(tmp_path, RULES, trials)
        assert "no trial counts yet" in html
        assert "Leaderboard" in html


def test_the_dual_has_the_same_report(tmp_path):
    rules = dual(RULES)
    text = Elements(report(tmp_path, rules, plausible_run(rules.workloads, ["adam"]))).text
    assert "Minimise the validation metric (error rate) subject to training time at most" in text


def test_another_framework_is_not_shown(tmp_path):
    trials = [*reaching("a", "digits", [5]), *reaching("b", "digits", [4], framework="jax")]
    found = review_trials(RULES, trials, "external", "jax")
    write_report(found, [t for t in trials if t.key.framework == "jax"], tmp_path / "r.html")
    assert "<th>a</th>" not in (tmp_path / "r.html").read_text()


def test_tables_scroll_in_a_box_of_their_own(page):
    assert page.count("<table") == page.count('<div class="scroll" tabindex="0"><table')
    assert ".scroll { overflow-x: auto;" in page


def test_labels_stand_in_the_title_the_notes_each_figure_and_each_table(tmp_path):
    trials = reaching(
        "a", "digits", [5, 6, 7], unofficial="shared machine", header={"held_out": "practice"}
    )
    html = report(tmp_path, RULES, trials)
    assert "<title>Tiny · unofficial · practice</title>" in html
    assert "<h1>Tiny · unofficial · practice</h1>" in html
    text = Elements(html).text
    assert "unofficial: shared machine" in text
    assert "practice: the held-out data come from the published seed" in text
    for figure in (tmp_path / "r_figures").glob("*.svg"):
        assert "unofficial · practice" in figure.read_text()
    for table in (tmp_path / "r_figures").glob("*.csv"):
        assert set(pl.read_csv(table)["label"]) == {"unofficial; practice"}


def test_an_official_report_has_no_label(folder, page):
    assert "<title>Tiny</title>" in page
    assert "label" not in pl.read_csv(folder / "r_figures" / "training_time.csv").columns


def test_a_missed_target_is_told_with_the_best_value_its_second_and_the_target(tmp_path):
    trials = [
        trial("a", seconds=[2, 24.1], values=[0.5, 0.12]),
        *reaching("a", "wmt", [5]), trial("a", "wmt", 1, seconds=[9], values=[0.2]),
        trial("a", "wmt", 2, seconds=[8], values=[0.3]),
    ]
    text = Elements(report(tmp_path, RULES, trials)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "not reachedbest 0.12 at 24.1 starget 0.1" in text
    assert "not reachedin 2 of 3 studiesbest 0.2 at 9.00 starget 0.1" in text


def test_a_missed_target_of_a_held_out_workload_is_told_with_its_name(tmp_path):
    rules = competition({
        "digits": workload_rules(), "digits_gelu": workload_rules(held_out_of="digits"),
    })
    trials = [
        *reaching("a", "digits", [5]), trial("a", "digits_gelu", seconds=[7], values=[0.25]),
    ]
    text = Elements(report(tmp_path, rules, trials)).text
    assert "held-out workload not reachedin digits_gelubest 0.25" in text


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "\ta"])
def test_a_name_that_a_spreadsheet_would_run_is_text_in_the_tables(tmp_path, name):
    report(tmp_path, RULES, reaching(name, "digits", [5, 6, 7]))
    written = pl.read_csv(tmp_path / "r_figures" / "training_time.csv")
    assert set(written["submission"]) == {f"'{name}"}


@pytest.mark.parametrize("name", ['a,"b"', "a\nb", "a[0].b'c", "{{a}}", "$title"])
def test_any_other_name_is_unchanged_in_page_and_tables(tmp_path, name):
    html = report(tmp_path, RULES, reaching(name, "digits", [5, 6, 7]))
    assert set(pl.read_csv(tmp_path / "r_figures" / "training_time.csv")["submission"]) == {name}
    assert re.sub(r"\s+", " ", name) in Elements(html).text


def test_a_reason_that_is_no_valid_text_is_shown_all_the_same(tmp_path):
    trials = [trial("a", status=Status.CRASHED, reason="broken \ud800 text")]
    assert "broken \\ud800 text" in Elements(report(tmp_path, RULES, trials)).text

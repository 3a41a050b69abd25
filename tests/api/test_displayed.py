import re

from mlgolf.api.curves import curve
from mlgolf.api.frames import SPIKES, spikes_frame
from mlgolf.api.shown import Shown
from mlgolf.api.tuning import tuning_curves


def displayed(tmp_path, method):
    path = tmp_path / f"{method}.csv"
    path.write_text(f"method,time,quality\nbase,1,0.5\nbase,2,0.6\nbase,4,0.7\n{method},2,0.65\n")
    return curve(path)


def test_two_figures_of_one_notebook_share_no_id(tmp_path):
    path = tmp_path / "search.csv"
    ids = []
    for name in ("mine", "yours"):
        path.write_text(f"method,quality\nbase,0.1\nbase,0.2\n{name},0.2\n{name},0.3\n")
        ids.append(set(re.findall(r' id="(\w+)"', tuning_curves(path)._repr_html_())))
    one, other = ids
    assert one
    assert not one & other


def test_a_comparison_displays_itself_with_its_style_tables_and_sentences(tmp_path):
    shown = displayed(tmp_path, "mine")._repr_html_()
    assert all(part in shown for part in ("<style>", "<svg", "<table", "<li>"))


def test_as_text_it_has_tables_and_sentences(tmp_path):
    said = repr(displayed(tmp_path, "mine"))
    assert "speed-up at the same quality" in said
    assert "Pareto front" in said


def test_runs_without_spikes_have_a_table_without_rows():
    assert spikes_frame([]).schema == SPIKES


def test_a_page_has_figure_tables_and_sentences_and_loads_nothing(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("method,time,quality\nbase,1,0.5\nbase,2,0.6\nmine,2,0.65\n")
    (page,) = (file.read_text() for file in curve(path).save(tmp_path) if file.suffix == ".html")
    assert "var(--colour-0)" in page  # the figure, in the colours of the page's theme
    assert "<td>mine</td>" in page
    assert "Pareto front" in page
    assert "default-src 'none'" in page


class WithoutTables(Shown):
    def _panels(self):
        return []

    _tables = _panels

    def _lines(self):
        return ["nothing was found"]


def test_a_page_without_tables_has_its_sentences(tmp_path):
    assert "nothing was found" in WithoutTables().write_page(tmp_path / "page.html").read_text()


def unfair(tmp_path):
    path = tmp_path / "mine.csv"
    rows = ["base,1,0.5,a", "base,2,0.6,a", "mine,2,0.65,b"]
    path.write_text("\n".join(["method,time,quality,hardware", *rows]))
    return curve(path, unfair=True)


def test_a_page_warns_of_an_unfair_comparison_above_its_figure(tmp_path):
    page = unfair(tmp_path).write_page(tmp_path / "page.html").read_text()
    assert 0 < page.index('<p class="warning">Not a fair comparison') < page.index("<svg")


def test_a_notebook_warns_of_it_too(tmp_path):
    assert '<p class="warning">Not a fair comparison' in unfair(tmp_path)._repr_html_()


def test_a_page_says_its_title_once(tmp_path):
    body = displayed(tmp_path, "mine").write_page(tmp_path / "page.html").read_text()
    said = "quality against time; baseline: base, 3 budgets, 1 run each"
    assert body.split("</head>")[1].count(said) == 1


def test_a_page_says_which_side_is_better(tmp_path):
    page = displayed(tmp_path, "mine").write_page(tmp_path / "page.html").read_text()
    assert "Up and to the left is better." in page

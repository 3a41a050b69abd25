"""Progress below a notebook's cell: one area of plain text that is kept up to date."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from mlgolf.api import notebook


class Shown:
    """What IPython displays: the first text, then each that takes its place."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def display(self, data, *, raw, display_id):
        assert raw
        assert display_id
        self.texts.append(data["text/plain"])
        return SimpleNamespace(update=self.update)

    def update(self, data, *, raw):
        assert raw
        self.texts.append(data["text/plain"])


@pytest.fixture
def shown(monkeypatch) -> Shown:
    shown = Shown()
    module = ModuleType("IPython.display")
    module.display = shown.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_the_lines_are_shown_anew_and_are_gone_at_the_end(shown, monkeypatch):
    monkeypatch.setattr(notebook, "SECONDS_BETWEEN", 0.0)
    lines = ["trial 1 of 2"]
    with notebook.Area(lambda: lines) as area:
        lines.append("step [100]")
        area.refresh()
    assert shown.texts == ["trial 1 of 2", "trial 1 of 2\nstep [100]", ""]


def test_the_lines_are_not_shown_more_often_than_a_reader_can_follow(shown):
    with notebook.Area(lambda: ["step"]) as area:
        for _ in range(1000):
            area.refresh()
    assert len(shown.texts) == 2


def test_the_area_is_cleared_when_a_run_is_interrupted(shown):
    with pytest.raises(KeyboardInterrupt), notebook.Area(lambda: ["step"]):
        raise KeyboardInterrupt
    assert shown.texts[-1] == ""

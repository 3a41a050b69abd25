"""A small game that is fine, and copies of it with a fault."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from mlgolf.golf.check import check_game
from mlgolf.golf.findings import Checked

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_game"
Edit = tuple[str, str]  # what stands there, and what shall


def game(tmp_path: Path, *, points: str | None = None, **edits: Edit) -> Path:
    """A copy. Args: points: another points.csv. edits: of competition, graph and data."""
    folder = shutil.copytree(TINY, tmp_path / "game")
    (folder / "baseline").mkdir()
    shutil.move(folder / "fits.py", folder / "baseline" / "entry.py")
    if points is not None:
        (folder / "points.csv").write_text(points)
        data = (folder / "data.toml").read_text()
        before = next(line for line in data.splitlines() if line.startswith("sha256"))
        digest = hashlib.sha256(points.encode()).hexdigest()
        (folder / "data.toml").write_text(data.replace(before, f'sha256 = "{digest}"'))
    for name, (old, new) in edits.items():
        file = folder / f"{name}.toml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
    return folder


def checked(tmp_path: Path, **edits: Any) -> Checked:
    """What is said of such a copy, without its baseline."""
    return check_game(str(game(tmp_path, **edits)), tmp_path / "data", play=False)


def said(found: Checked, words: str) -> str:
    """The one finding that has these words, with its place."""
    (one,) = (str(finding) for finding in found.findings if words in finding.what)
    return one

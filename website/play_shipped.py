"""Play the baselines and champions that ship, and keep their bundles for new sites.

    python website/play_shipped.py [--only NAME] [--even-disturbed]

On a quiet machine: a run whose machine was disturbed is said to be so on every new site's boards,
so its bundle is not kept, unless it is asked for. Those that are there are left alone.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mlgolf_site.shipped import CONTESTS

from mlgolf.core.cells import SEPARATOR
from mlgolf.core.competition import load_competition
from mlgolf.core.toml_files import SHIPPED
from mlgolf.results.bundles.reading import ENDING
from mlgolf.results.bundles.writing import write_bundle
from mlgolf.results.run_folder import RunFolder

TARGET = Path(__file__).parent / "mlgolf_site" / "shipped"
ALGORITHMS = ("nadamw", "nesterov")  # where a competition has no baseline of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What is played. An entry has a name of its own in its competition, on whichever board."""

    contest: str
    code: Path
    entry: str
    ruleset: str
    board: str

    @property
    def file(self) -> Path:
        board = f"{SEPARATOR}{self.board}" * bool(self.board)
        return TARGET / f"{self.contest}{board}--{self.entry}{ENDING}"


def shipped(contest: str) -> Iterator[Shipped]:
    folder = Path(str(SHIPPED / contest))
    own = [folder / name for name in ("baseline", "champion") if (folder / name).is_dir()]
    first, *others = load_competition(contest).rules.tuning.rulesets
    for code in own or [Path(str(files("mlgolf.algorithms") / name)) for name in ALGORITHMS]:
        yield Shipped(contest=contest, code=code, entry=code.name, ruleset=first, board="")
        for ruleset in others:
            yield Shipped(
                contest=contest, code=code, entry=f"{code.name}-{ruleset}", ruleset=ruleset,
                board=ruleset,
            )


def play(one: Shipped, *, even_disturbed: bool) -> bool:
    """Returns: whether the bundle was kept."""
    with tempfile.TemporaryDirectory() as scratch:
        entry, run = Path(scratch) / one.entry, Path(scratch) / "run"
        shutil.copytree(one.code, entry, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(
            [sys.executable, "-m", "mlgolf.cli.main", "run", str(entry), "--competition",
             one.contest, "--tuning", one.ruleset, "--out", str(run)], check=True,
        )  # fmt: skip
        disturbed = any(trial.disturbed for trial in RunFolder(run).trials())
        if disturbed and not even_disturbed:
            return False
        write_bundle(run, one.file)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a competition")
    parser.add_argument("--even-disturbed", action="store_true")
    asked = parser.parse_args()
    for contest in CONTESTS if not asked.only else (asked.only,):
        for one in shipped(contest):
            if one.file.exists():
                continue
            if play(one, even_disturbed=asked.even_disturbed):
                print(f"{one.file}: {one.file.stat().st_size:,} bytes")
            else:
                print(f"{one.file}: not kept, as the machine was disturbed. Play it again")


if __name__ == "__main__":
    main()

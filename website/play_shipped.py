"""Play the baselines and champions that ship, and keep their bundles for new sites.

    python website/play_shipped.py [--only NAME]

On a quiet machine: a run whose machine was disturbed is said to be so on every new site's boards,
so its bundle is not kept. Those that are there are left alone.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlgolf_site.shipped import CONTESTS

from mlgolf.core.competition import load_competition
from mlgolf.core.toml_files import SHIPPED
from mlgolf.results.bundles.reading import ENDING
from mlgolf.results.bundles.writing import write_bundle
from mlgolf.results.run_folder import RunFolder

TARGET = Path(__file__).parent / "mlgolf_site" / "shipped"
ALGORITHMS = ("nadamw", "nesterov")  # where a competition has no baseline of its own


def entries(contest: str) -> Iterator[tuple[str, str, str]]:
    """What is played: the name of the bundle, the entry, and the ruleset."""
    folder = Path(str(SHIPPED / contest))
    own = [folder / name for name in ("baseline", "champion") if (folder / name).is_dir()]
    first, *others = load_competition(contest).rules.tuning.rulesets
    for entry in [str(path) for path in own] or ALGORITHMS:
        yield f"{contest}--{Path(entry).name}", entry, first
        for ruleset in others:
            yield f"{contest}@{ruleset}--{Path(entry).name}", entry, ruleset


def play(contest: str, entry: str, ruleset: str, file: Path) -> bool:
    """Returns: whether the machine was quiet, so that the bundle was kept."""
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        subprocess.run(
            [sys.executable, "-m", "mlgolf.cli.main", "run", entry, "--competition", contest,
             "--tuning", ruleset, "--out", str(run)], check=True,
        )  # fmt: skip
        if any(trial.disturbed for trial in RunFolder(run).trials()):
            return False
        write_bundle(run, file)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a competition")
    only = parser.parse_args().only
    for contest in CONTESTS if not only else (only,):
        for name, entry, ruleset in entries(contest):
            file = TARGET / f"{name}{ENDING}"
            if file.exists():
                continue
            if play(contest, entry, ruleset, file):
                print(f"{file}: {file.stat().st_size:,} bytes")
            else:
                print(f"{file}: not kept, as the machine was disturbed. Play it again")


if __name__ == "__main__":
    main()

"""Play the baselines and champions that ship, and keep their bundles for new sites.

    python website/play_shipped.py [--only NAME]

On a quiet machine: a run whose machine was disturbed is said to be so on every new site's boards.
Each bundle is called CONTEST--ENTRY.mlgolf.zip; those that are there are left alone.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from mlgolf_site.shipped import CONTESTS

from mlgolf.core.competition import load_competition
from mlgolf.core.toml_files import SHIPPED
from mlgolf.results.bundles.reading import ENDING
from mlgolf.results.bundles.writing import write_bundle

TARGET = Path(__file__).parent / "mlgolf_site" / "shipped"
ALGORITHMS = ("nadamw", "nesterov")  # where a competition has no baseline of its own


def entries(contest: str) -> list[str]:
    """What is played."""
    folder = Path(str(SHIPPED / contest))
    own = [folder / name for name in ("baseline", "champion") if (folder / name).is_dir()]
    return [str(path) for path in own] or [*ALGORITHMS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a competition")
    only = parser.parse_args().only
    TARGET.mkdir(exist_ok=True)
    for contest in CONTESTS:
        for entry in entries(contest) if only in ("", contest) else ():
            name = Path(entry).name
            file = TARGET / f"{contest}--{name}{ENDING}"
            if file.exists():
                continue
            tuning = load_competition(contest).rules.tuning.rulesets[0]
            with tempfile.TemporaryDirectory() as scratch:
                run = Path(scratch) / "run"
                subprocess.run(
                    [sys.executable, "-m", "mlgolf.cli.main", "run", entry, "--competition",
                     contest, "--tuning", tuning, "--seed", "1", "--out", str(run)],
                    check=True,
                )  # fmt: skip
                write_bundle(run, file)
            print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

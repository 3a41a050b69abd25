"""How long from published logs to a leaderboard, against only reading the same files as text?

A tree of the size of the official one (3,700 files of evaluations) is written from the table of all
evaluations; reading it with csv.reader alone is the named alternative. Files are in the cache.
"""

import csv
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import print_machine, spread

from mlgolf.core.competition import load_competition
from mlgolf.results.algoperf_logs import (
    LoggedTrial,
    find_trials,
    read_logged_trials,
    write_logged_trial,
)
from mlgolf.results.curve_table import read_curve_table
from mlgolf.results.trial_table import read_trial_table
from mlgolf.scoring.admission import admit
from mlgolf.scoring.published import admit_table
from mlgolf.scoring.standings import Standings

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
RULES = load_competition("algoperf-0.5")
REPETITIONS = 5
OTHER_COLUMNS = (  # that the official logs have and the table does not
    "accumulated_eval_time", "accumulated_logging_time", "preemption_count",
    "test/num_examples", "validation/num_examples", "validation/extra",
)  # fmt: skip


def write_tree(root: Path, copies: int) -> None:
    frameworks = dict(
        read_trial_table(GOLDEN / "trials.csv").select("submission", "framework").iter_rows()
    )
    trials = read_curve_table(GOLDEN / "curves.parquet", RULES, "external", frameworks)
    for copy in range(copies):
        for trial in trials:
            others = dict.fromkeys(OTHER_COLUMNS, trial.seconds * 1.5)
            write_logged_trial(root / str(copy), LoggedTrial(trial=trial, others=others))


def from_logs(root: Path) -> float:
    trials = (logged.trial for logged in read_logged_trials(find_trials(root).trials))
    return Standings(RULES, admit(RULES, trials, "external").pool).scores.max()


def text_alone(root: Path) -> int:
    rows = 0
    for path in root.rglob("eval_measurements.csv"):
        with open(path, newline="") as file:
            rows += sum(1 for _ in csv.reader(file))
    return rows


def from_table() -> float:
    table = read_trial_table(GOLDEN / "trials.csv")
    return Standings(RULES, admit_table(RULES, table, "external").pool).scores.max()


def timed(call: Callable[[], object]) -> list[float]:
    call()  # warm
    taken = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def main(largest: int) -> None:
    print_machine()
    print(f"from trials.csv: {spread([1e3 * t for t in timed(from_table)])} ms")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_tree(root, largest)
        size = sum(p.stat().st_size for p in (root / "0").rglob("eval_measurements.csv")) / 1e6
        ours = timed(lambda: from_logs(root / "0"))
        bare = timed(lambda: text_alone(root / "0"))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"from a log tree of {size:.0f} MB: {spread(ours)} s; csv.reader alone {spread(bare)} "
            f"s; ratio {statistics.median(ours) / statistics.median(bare):.2f}; at most "
            f"{memory:.0f} MiB, the writing of the tree included"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)

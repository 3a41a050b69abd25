"""How long from published logs to a leaderboard, against only reading the same files as text?

A tree of the size of the official one (3,700 files of evaluations) is written from the table of all
evaluations; reading it with csv.reader alone is the named alternative. Both take turns, the files
are in the cache, and memory is that of a process that does nothing else. Then the same at a larger
size: is it linear? With an argument: how many times as large.
"""

import csv
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from common import print_machine, spread

from mlgolf.core.competition import load_competition
from mlgolf.results.algoperf_ledger import open_logs, read_logs
from mlgolf.results.algoperf_logs import LoggedTrial, write_logged_trial
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
    """The official trials, with every submission as often as asked, under names of its own."""
    frameworks = dict(
        read_trial_table(GOLDEN / "trials.csv").select("submission", "framework").iter_rows()
    )
    trials = read_curve_table(GOLDEN / "curves.parquet", RULES, "external", frameworks)
    for copy in range(copies):
        for trial in trials:
            key = replace(trial.key, submission=f"{trial.key.submission}_{copy}")
            # No two runs are the same, and the reader would say so.
            renamed = replace(trial, key=key, seconds=trial.seconds * (1 + copy / 1000))
            others = dict.fromkeys(OTHER_COLUMNS, trial.seconds * 1.5)
            write_logged_trial(root, LoggedTrial(trial=renamed, others=others))


def from_logs(root: Path) -> float:
    played = read_logs(open_logs(root, RULES.name, "external"))
    return Standings(RULES, admit(RULES, played.trials, "external").pool).scores.max()


def text_alone(root: Path) -> int:
    rows = 0
    for path in root.rglob("eval_measurements.csv"):
        with open(path, newline="") as file:
            rows += sum(1 for _ in csv.reader(file))
    return rows


def from_table() -> float:
    table = read_trial_table(GOLDEN / "trials.csv")
    return Standings(RULES, admit_table(RULES, table, "external").pool).scores.max()


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measured(root: Path) -> tuple[list[float], list[float], float]:
    """Seconds of ours, of reading the text alone, and MiB at most, in this process."""
    from_logs(root)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pairs = [
        (seconds(lambda: from_logs(root)), seconds(lambda: text_alone(root)))
        for _ in range(REPETITIONS)
    ]
    ours, bare = zip(*pairs, strict=True)
    return list(ours), list(bare), memory


def main(largest: int) -> None:
    print_machine()
    from_table()
    taken = [1e3 * seconds(from_table) for _ in range(REPETITIONS)]
    print(f"from trials.csv: {spread(taken)} ms")
    alone = multiprocessing.get_context("spawn")
    once = 0.0
    for copies in (1, largest):
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            with alone.Pool(1) as writer:
                writer.apply(write_tree, (root, copies))
            sizes = [path.stat().st_size for path in root.rglob("eval_measurements.csv")]
            with alone.Pool(1) as reader:
                ours, bare, memory = reader.apply(measured, (root,))
        ratio = statistics.median(ours) / statistics.median(bare)
        once = once or statistics.median(ours)
        print(
            f"{len(sizes)} files, {sum(sizes) / 1e6:.0f} MB: {spread(ours)} s; csv.reader alone "
            f"{spread(bare)} s; ratio {ratio:.2f}; at most {memory:.0f} MiB; "
            f"{statistics.median(ours) / once:.1f} times as long as the first"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)

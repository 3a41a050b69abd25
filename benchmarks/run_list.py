"""How long to list thousands of trials, against only parsing the same files as JSON?

Fifty runs of a hundred trials are written, each trial with fifty evaluations. `mlgolf runs list
--trials` filters them by a hyperparameter and sorts them by a metric; parsing every file of theirs
with json.loads is the named alternative. Both take turns, in CPU seconds, the files in the cache.
"""

import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from common import print_machine, spread

from mlgolf.api.tracking import list_runs
from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.records import (
    ClockTotal,
    DrawRecord,
    RunRecord,
    SubmissionRecord,
    TrialHeader,
    VerdictRecord,
)
from mlgolf.core.status import Status
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.run_folder import RunFolder, create_run
from mlgolf.results.trial_folder import TrialFolder

RUNS, TRIALS, EVALUATIONS, REPETITIONS = 50, 100, 50, 5
WORKLOAD = "criteo1tb"
HARDWARE = load_hardware("one-thread-cpu")
COMPETITION = load_competition("mini").select([WORKLOAD])


def write_runs(root: Path) -> None:
    for number in range(RUNS):
        run, lock = create_run(root / f"run_{number}", RunRecord(
            competition=COMPETITION, ruleset="external", framework="torch", trials=TRIALS,
            studies=1, sandbox="process", seed=number, begun=datetime.now(UTC), hardware=HARDWARE,
            submissions={"nadamw": SubmissionRecord(framework="torch", sha256=64 * "a")},
            held_out=DrawRecord(run=f"run_{number}", is_known=False, sha256=64 * "b"),
        ))  # fmt: skip
        lock.release()
        for trial in range(1, TRIALS + 1):
            write_trial(run, trial)


def write_trial(run: RunFolder, number: int) -> None:
    key = TrialKey(
        submission="nadamw", framework="torch", workload=WORKLOAD, study=0, trial=number
    )
    store = TrialFolder(run.trial_path(key))
    store.begin(TrialHeader(
        key=key, seed=number, hyperparameters={"learning_rate": 10 ** -(1 + number % 5)},
        ruleset="external", hardware=HARDWARE, size="mini", machine={"processor": "made up"},
    ))  # fmt: skip
    for row in range(1, EVALUATIONS + 1):
        store.append(Row(
            step=100 * row, reading=Reading(row, row, row), model_sha256=64 * "c",
            metrics={"validation/loss": 1 / row + number * 1e-4, "validation/auc": 0.5},
        ))  # fmt: skip
    store.finish(VerdictRecord(
        status=Status.FINISHED, reason="done", clock={"rule": "cpu"},
        total=ClockTotal(seconds=EVALUATIONS, cpu=EVALUATIONS, wall=EVALUATIONS),
    ))  # fmt: skip


def listed(root: Path) -> int:
    found = list_runs(
        root, trials=True, where=["learning_rate>=0.01"], sort="validation_loss"
    )
    return len(found.as_json()["trials"])


def parsed(root: Path) -> int:
    files = [*root.rglob("*.json"), *root.rglob("*.jsonl")]
    return sum(bool(json.loads(line)) for file in files for line in _values(file))


def _values(file: Path) -> list[str]:
    text = file.read_text()
    return text.splitlines() if file.suffix == ".jsonl" else [text]


def cpu_seconds(work, root: Path) -> float:
    began = time.process_time()
    assert work(root)
    return time.process_time() - began


def main() -> None:
    print_machine()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with mock.patch.object(os, "fsync"):  # nothing of this has to survive
            write_runs(root)
        listed(root), parsed(root)
        both = [(cpu_seconds(listed, root), cpu_seconds(parsed, root)) for _ in range(REPETITIONS)]
    ours, alone = (spread(values) for values in zip(*both, strict=True))
    print(f"{RUNS * TRIALS} trials of {EVALUATIONS} evaluations listed in {ours} CPU s")
    print(f"their files parsed as JSON alone in {alone} CPU s")
    print(f"ratio {spread([one / other for one, other in both])}")


if __name__ == "__main__":
    main()

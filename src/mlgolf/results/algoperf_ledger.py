"""Between AlgoPerf's log trees and our ledger: import and export."""

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import RunFolderError
from mlgolf.core.records import RunRecord, SubmissionRecord, TrialHeader, VerdictRecord
from mlgolf.core.rules import Ruleset
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.algoperf_logs import (
    LoggedTrial,
    LogTree,
    find_trials,
    read_logged_trials,
    ruleset_of,
    write_logged_trial,
)
from mlgolf.results.evaluation_files import FILE, REPEATED_IN
from mlgolf.results.files import read_at_once
from mlgolf.results.record_files import write_record
from mlgolf.results.run_folder import FILE as RUN_FILE
from mlgolf.results.run_folder import Played, RunFolder, RunLock, create_run, reopen_run
from mlgolf.results.trial_folder import (
    HEADER,
    VERDICT,
    is_finished,
    read_rows,
    read_trial,
    read_verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """A log tree and the rules that it goes by."""

    tree: LogTree
    competition: Competition
    ruleset: Ruleset

    def read(self, trials: Sequence[tuple[TrialKey, Path]]) -> Iterator[LoggedTrial]:
        """Trials of the tree, in their order; what the rules ask for and a trial lacks is said."""
        for logged, (_, path) in zip(read_logged_trials(trials), trials, strict=True):
            logged.problems.extend(_without_its_metric(logged.trial, path, self.competition))
            yield logged


def open_logs(
    logs: Path, competition: str | None = None, ruleset: Ruleset | None = None
) -> Logs:
    """Find the trials below a folder.

    Args:
      competition, ruleset: None to tell them from what the logs say of themselves.
    Raises: RunFolderError where there are no trials, or they do not tell.
    """
    if not logs.is_dir():
        raise RunFolderError(f"{logs}: there is no such folder")
    tree = find_trials(logs)
    if not tree.trials:
        alike = len(tree.problems)
        raise RunFolderError(
            f"{logs}: no trial below it. Expected SUBMISSION/study_K/WORKLOAD_FRAMEWORK/trial_N, "
            "as AlgoPerf's runner writes them"
            + (f"; {alike} folders look alike, e.g. {tree.problems[0]}" if alike else "")
        )
    return Logs(
        tree=tree,
        competition=load_competition(competition) if competition else _competition_of(tree),
        ruleset=ruleset or _ruleset_of(tree),
    )


def read_logs(logs: Logs) -> Played:
    """Everything below, to be scored as it stands."""
    read = list(logs.read(logs.tree.trials))
    return Played(
        competition=logs.competition, ruleset=logs.ruleset,
        trials=tuple(logged.trial for logged in read),
        problems=(*logs.tree.problems, *(p for logged in read for p in logged.problems)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did. `problems` are what could not be read, a sentence each."""

    run: RunFolder
    trials: int
    kept: int  # of them, imported before
    evaluations: int
    problems: tuple[str, ...]


def import_logs(logs: Logs, out: Path) -> Imported:
    """Write every readable trial into a run folder; go on with one cut short.

    Raises: RunFolderError where `out` holds something else.
    """
    run, lock = _open(out, logs)
    trials = logs.tree.trials
    with lock:
        left = [(key, path) for key, path in trials if not is_finished(run.trial_path(key))]
        for logged, (key, source) in zip(logs.read(left), left, strict=True):
            _write(run.trial_path(key), logged, logs.ruleset, source)
    folders = [run.trial_path(key) for key, _ in trials]
    ends = [read_verdict(folder) for folder in folders]
    problems = [problem for verdict in ends if verdict for problem in verdict.problems]
    return Imported(
        run=run, trials=len(folders), kept=len(folders) - len(left),
        evaluations=sum(len(read_rows(folder)) for folder in folders),
        problems=(*logs.tree.problems, *problems),
    )


def _without_its_metric(trial: Trial, path: Path, rules: Competition) -> Iterator[str]:
    workload_rules = rules.workloads.get(trial.key.workload)
    if workload_rules is not None and len(trial.steps):
        name = f"validation/{workload_rules.metric}"
        if name not in trial.metrics:
            yield (
                f"{path / FILE}, line 1: no column {name}, which "
                f"{rules.name} asks for; found {', '.join(trial.metrics)}"
            )


def _competition_of(tree: LogTree) -> Competition:
    """The published competition whose budgets and targets most trials name."""
    known = [c for name in competition_names() if (c := load_competition(name)).published_as]
    votes: Counter[str] = Counter()
    for key, path in tree.trials:
        meta = _quietly(path / "meta_data_0.json")
        for rules in known:
            row = rules.workloads.get(key.workload)
            budget = meta.get("workload.max_allowed_runtime_sec")
            votes[rules.name] += row is not None and row.number("budget_seconds") == budget
    if not votes or max(votes.values()) == 0:
        raise RunFolderError(
            f"{tree.root}: its trials name the budgets of no competition that is known. Add "
            f"--competition, one of {', '.join(rules.name for rules in known)}."
        )
    most = max(votes.values())
    return next(rules for rules in known if votes[rules.name] == most)


def _ruleset_of(tree: LogTree) -> Ruleset:
    said = Counter(ruleset_of(_quietly(path / "flags_0.json")) for _, path in tree.trials)
    if set(said) - {None} not in ({"external"}, {"self"}):
        raise RunFolderError(
            f"{tree.root}: its trials are of tuning "
            f"{', '.join(f'{name} ({count})' for name, count in said.items())}. "
            "Import one kind at a time, or say which with --tuning external or self."
        )
    return "self" if "self" in said else "external"


def _quietly(path: Path) -> Mapping[str, Any]:
    """A JSON object, or nothing: what is wrong with it is said when the trial is read."""
    try:
        value = json.loads(read_at_once(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _open(out: Path, logs: Logs) -> tuple[RunFolder, RunLock]:
    rules, ruleset = logs.competition, logs.ruleset
    tuning = rules.rules.tuning.under(ruleset)
    record = RunRecord(
        competition=rules, ruleset=ruleset, trials=tuning.trials, studies=tuning.studies,
        sandbox="imported", left_out=logs.tree.problems,
        submissions={
            key.submission: SubmissionRecord(framework=key.framework, imported=True)
            for key, _ in logs.tree.trials
        },
    )
    if not (out / RUN_FILE).exists():
        return create_run(out, record)
    asked = ("competition", "ruleset", "trials", "studies", "sandbox")
    run = reopen_run(out, {name: getattr(record, name) for name in asked})
    lock = run.lock()
    # The tree may have grown since.
    submissions = run.record.submissions | record.submissions
    grown = {"submissions": submissions, "left_out": record.left_out}
    write_record(out / RUN_FILE, run.record.model_copy(update=grown))
    return RunFolder(out), lock


def _write(folder: Path, logged: LoggedTrial, ruleset: Ruleset, source: Path) -> None:
    """Whole or not at all: the verdict comes last, and a trial without one is written again."""
    trial, facts = logged.trial, logged.trial.facts
    folder.mkdir(parents=True, exist_ok=True)
    header = TrialHeader(
        key=trial.key, seed=trial.seed, hyperparameters=dict(trial.hyperparameters),
        flags=facts.flags, meta=facts.meta, ruleset=facts.ruleset or ruleset,
        imported_from="AlgoPerf logs",
    )
    write_record(folder / HEADER, header, synced=False)
    _keep(source / REPEATED_IN, folder / REPEATED_IN)
    lines = (json.dumps(row) for row in _rows(logged))
    (folder / "evals.jsonl").write_text("".join(f"{line}\n" for line in lines))
    assert trial.status is not None
    verdict = VerdictRecord(
        status=trial.status, reason=trial.reason, problems=list(logged.problems)
    )
    write_record(folder / VERDICT, verdict, synced=False)


def _keep(source: Path, target: Path) -> None:
    """What a submission logged by itself is taken over as it is."""
    if source.is_file():
        shutil.copyfile(source, target)


def _rows(logged: LoggedTrial) -> Iterator[dict[str, Any]]:
    trial = logged.trial
    for row, step in enumerate(trial.steps):
        yield {
            "step": int(step), "seconds": float(trial.seconds[row]), "cpu_seconds": None,
            "wall_seconds": _known(trial.wall_seconds[row]),
            "metrics": {name: float(values[row]) for name, values in trial.metrics.items()},
            "others": {name: _known(values[row]) for name, values in logged.others.items()},
            "model_sha256": "",
        }  # fmt: skip


def _known(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


def export_run(run: RunFolder, out: Path) -> int:
    """Write a run's trials as an AlgoPerf log tree; returns how many.

    Raises: RunFolderError if `out` is there already, or a trial has no verdict yet.
    """
    if out.exists() and any(out.iterdir()):
        raise RunFolderError(f"{out} is not empty. Give another folder; nothing was changed.")
    trials = run.trials()
    for trial in trials:
        if trial.status is None:
            raise RunFolderError(f"{run.path}: {trial.key} has not ended. Finish it with --resume.")
    for trial in trials:
        folder = run.trial_path(trial.key)
        _keep(folder / REPEATED_IN, write_logged_trial(out, _logged(folder)) / REPEATED_IN)
    return len(trials)


def _logged(folder: Path) -> LoggedTrial:
    rows = read_rows(folder)
    names = {name for row in rows for name in row.get("others", {})}
    others = {
        name: np.array([row["others"].get(name) for row in rows], dtype=np.float64)
        for name in sorted(names)
    }
    return LoggedTrial(trial=read_trial(folder), others=others)

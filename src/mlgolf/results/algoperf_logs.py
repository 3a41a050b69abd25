"""AlgoPerf's log trees: read with all that is really in them, and written as its scorer reads them.

    <submission>/study_<k>/<workload>_<framework>/trial_<i>/
        eval_measurements.csv   one row per evaluation
        measurements.csv        the same again, among what the submission logged; may be absent
        hparams.json            the point of the search space
        flags_0.json            flags of the run: seed, ruleset
        meta_data_0.json        targets, budget, machine

The tree may hang at any depth. Whatever cannot be read is said, with file and line, and the rest
goes on. Source: mlcommons/algorithmic-efficiency, algoperf/logger_utils.py and
mlcommons/submissions_algorithms, scoring/scoring_utils.py (layout and columns).
"""

import csv
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.records import TrialFacts
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.evaluation_files import FILE, SECONDS, STEP, Evaluations, read_evaluations
from mlgolf.results.files import read_at_once

OUR_NAMES = {"pytorch": "torch", "jax": "jax"}  # AlgoPerf's names for frameworks
THEIR_NAMES = {ours: theirs for theirs, ours in OUR_NAMES.items()}

_STUDY, _TRIAL = re.compile(r"study_(\d+)"), re.compile(r"trial_(\d+)")
_WORKLOAD = re.compile(r"(.+)_(pytorch|jax)")
_STARTED_AT = re.compile(r"-\d{4}(-\d\d){5}$")  # a sibling folder of one submission, run again


@dataclass(slots=True)
class LogTree:
    """What was found below a folder. `problems` are sentences, each naming where."""

    root: Path
    trials: list[tuple[TrialKey, Path]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find_trials(root: Path) -> LogTree:
    """Every trial folder below `root`, in the order of their keys; what else looks like one."""
    tree = LogTree(root)
    seen: dict[TrialKey, Path] = {}
    for path in _trial_folders(root, tree.problems, set()):
        key = _key(path)
        if key is None:
            tree.problems.append(
                f"{path}: left out, not below SUBMISSION/study_K/WORKLOAD_FRAMEWORK"
            )
        elif key in seen:
            tree.problems.append(f"{path}: left out, {seen[key]} is the same trial {key}")
        else:
            seen[key] = path
    tree.trials = sorted(seen.items())
    return tree


def _trial_folders(
    root: Path, problems: list[str], visited: set[tuple[int, int]]
) -> Iterator[Path]:
    """All of them, by name, so that nothing depends on the order of a file system.

    Links are followed, to each folder once.
    """
    try:
        found = os.stat(root)
        if (found.st_dev, found.st_ino) in visited:
            problems.append(f"{root}: left out, it is a link to a folder that was read already")
            return
        visited.add((found.st_dev, found.st_ino))
        with os.scandir(root) as entries:
            here = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        problems.append(f"{root}: left out, it cannot be listed: {error.strerror}")
        return
    if (FILE, False) in here:
        problems.append(f"{root}: left out, it holds {FILE} but its name is not trial_N")
    for name in (name for name, is_folder in here if is_folder):
        if _TRIAL.fullmatch(name):
            yield root / name
        else:
            yield from _trial_folders(root / name, problems, visited)


def _key(path: Path) -> TrialKey | None:
    trial = _TRIAL.fullmatch(path.name)
    workload = _WORKLOAD.fullmatch(path.parent.name)
    study = _STUDY.fullmatch(path.parent.parent.name)
    submission = _STARTED_AT.sub("", path.parent.parent.parent.name)
    if trial is None or workload is None or study is None or not submission or trial[1] == "0":
        return None
    return TrialKey(
        submission=submission, framework=OUR_NAMES[workload[2]], workload=workload[1],
        study=int(study[1]), trial=int(trial[1]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTrial:
    """A trial as it was logged. `others` are the columns that are no metric, by name."""

    trial: Trial
    others: Mapping[str, FloatArray]
    problems: list[str] = field(default_factory=list)  # sentences that name file and line


def read_logged_trials(trials: Sequence[tuple[TrialKey, Path]]) -> Iterator[LoggedTrial]:
    """Read trial folders, in their order; whatever cannot be read is left out and said.

    A trial without readable evaluations is one that crashed before the first.
    """
    all_evaluations = read_evaluations([path for _, path in trials])
    for (key, path), evaluations in zip(trials, all_evaluations, strict=True):
        yield _logged_trial(key, path, evaluations)


def _logged_trial(key: TrialKey, path: Path, evaluations: Evaluations) -> LoggedTrial:
    problems = evaluations.problems
    flags = _json_object(path / "flags_0.json", problems)
    meta = _json_object(path / "meta_data_0.json", problems)
    hyperparameters = _json_object(path / "hparams.json", problems, optional=True)
    columns = dict(evaluations.columns)
    steps, seconds = columns.pop(STEP), columns.pop(SECONDS)
    metrics = {n: v for n, v in columns.items() if "/" in n and not n.endswith("/num_examples")}
    seed = flags.get("rng_seed")
    unknown = np.full(len(seconds), np.nan)
    trial = Trial(
        key=key,
        seed=seed if isinstance(seed, int) else 0,
        hyperparameters=hyperparameters,
        status=Status.FINISHED if len(seconds) else Status.CRASHED,
        reason=(
            "imported from AlgoPerf's logs, which do not say how a trial ended" if len(seconds)
            else "imported from AlgoPerf's logs: no evaluation that can be read"
        ),
        steps=steps.astype(np.int64),
        seconds=seconds,
        cpu_seconds=unknown,
        wall_seconds=columns.get("total_duration", unknown),
        metrics=metrics,
        facts=TrialFacts(flags=flags, meta=meta, ruleset=ruleset_of(flags)),
    )
    others = {name: values for name, values in columns.items() if name not in metrics}
    return LoggedTrial(trial=trial, others=others, problems=problems)


def ruleset_of(flags: Mapping[str, Any]) -> str | None:
    """What the flags of a run say of tuning; None if nothing that makes sense."""
    said = flags.get("tuning_ruleset")
    return said if isinstance(said, str) else None


def _json_object(path: Path, problems: list[str], *, optional: bool = False) -> dict[str, Any]:
    try:
        value = json.loads(read_at_once(path))
    except FileNotFoundError:
        if not optional:
            problems.append(f"{path}: missing")
        return {}
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return {}
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: not JSON: {error}")
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path}: found a {type(value).__name__}, expected a JSON object")
        return {}
    return value


def write_logged_trial(root: Path, logged: LoggedTrial) -> Path:
    """Write a trial below `root` as AlgoPerf's scorer reads it; returns its folder."""
    trial, key = logged.trial, logged.trial.key
    study = f"{key.submission}/study_{key.study}"
    folder = root / study / f"{key.workload}_{THEIR_NAMES[key.framework]}" / f"trial_{key.trial}"
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        **logged.others, **trial.metrics, STEP: trial.steps, SECONDS: trial.seconds,
        "score": logged.others.get("score", trial.seconds),
        "total_duration": trial.wall_seconds,
    }
    names = sorted(columns)
    if len(trial.steps):
        with open(folder / FILE, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(zip(*(map(_cell, columns[name]) for name in names), strict=True))
    flags = {
        **trial.facts.flags, "rng_seed": trial.seed, "workload": key.workload,
        "framework": THEIR_NAMES[key.framework],
        "tuning_ruleset": trial.facts.ruleset or "external",
    }
    _write_json(folder / "flags_0.json", flags)
    _write_json(folder / "meta_data_0.json", trial.facts.meta)
    if trial.hyperparameters:
        _write_json(folder / "hparams.json", dict(trial.hyperparameters))
    return folder


def _cell(number: Any) -> str:
    if math.isnan(number):
        return ""
    return repr(int(number)) if float(number).is_integer() else repr(float(number))


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")

"""AlgoPerf's log trees: read with all that is really in them, and written as its scorer reads them.

    <submission>/study_<k>/<workload>_<framework>/trial_<i>/
        eval_measurements.csv   one row per evaluation
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
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial, TrialKey

OUR_NAMES = {"pytorch": "torch", "jax": "jax"}  # AlgoPerf's names for frameworks
THEIR_NAMES = {ours: theirs for theirs, ours in OUR_NAMES.items()}
SECONDS, STEP = "accumulated_submission_time", "global_step"

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
    for path in _folders(root):
        if _TRIAL.fullmatch(path.name) is None:
            continue
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


def _folders(root: Path) -> Iterator[Path]:
    """All folders below, by name, so that nothing depends on the order of a file system."""
    for folder, children, _ in os.walk(root):
        children.sort()
        if _TRIAL.fullmatch(os.path.basename(folder)):
            children.clear()
            yield Path(folder)


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


def read_logged_trial(key: TrialKey, path: Path, problems: list[str]) -> LoggedTrial:
    """Read one trial folder; what could not be read is added to `problems`.

    A trial without readable evaluations is one that crashed before the first.
    """
    flags = _json_object(path / "flags_0.json", problems)
    columns = _evaluations(path / "eval_measurements.csv", problems)
    steps, seconds = columns.pop(STEP), columns.pop(SECONDS)
    metrics = {n: v for n, v in columns.items() if "/" in n and not n.endswith("/num_examples")}
    hyperparameters = _json_object(path / "hparams.json", problems, optional=True)
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
        header={
            "flags": flags, "meta": _json_object(path / "meta_data_0.json", problems),
            **({"ruleset": ruleset} if (ruleset := flags.get("tuning_ruleset")) else {}),
        },
    )
    others = {name: values for name, values in columns.items() if name not in metrics}
    return LoggedTrial(trial=trial, others=others)


def _json_object(path: Path, problems: list[str], *, optional: bool = False) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        if not optional:
            problems.append(f"{path}: missing")
        return {}
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return {}
    except ValueError as error:
        problems.append(f"{path}: not JSON: {error}")
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path}: found a {type(value).__name__}, expected a JSON object")
        return {}
    return value


def _evaluations(path: Path, problems: list[str]) -> dict[str, FloatArray]:
    """Columns by name, rows that cannot be trusted left out and said."""
    nothing = {STEP: np.empty(0), SECONDS: np.empty(0)}
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        problems.append(f"{path}: missing; the trial ended before its first evaluation")
        return nothing
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return nothing
    first, _, body = text.replace("\r\n", "\n").partition("\n")
    header = first.split(",")
    wrong = [name for name in (STEP, SECONDS) if name not in header]
    wrong += [name for name, count in Counter(header).items() if count > 1]
    if wrong:
        problems.append(f"{path}, line 1: column {', '.join(wrong)} is missing or there twice")
        return nothing
    if not body.strip():
        problems.append(f"{path}: no row below the header")
        return nothing
    *lines, rest = body.split("\n")
    if rest:
        problems.append(f"{path}, line {len(lines) + 2}: cut short, the row is left out")
    values = _numbers(path, header, lines, problems)
    return dict(zip(header, values.T, strict=True)) if len(values) else nothing


def _numbers(
    path: Path, header: list[str], lines: list[str], problems: list[str]
) -> FloatArray:
    """(rows, columns); an empty cell is NaN. Time and steps must never fall."""
    values = _sound_numbers(header, lines)
    if values is not None:
        return values
    kept: list[list[float]] = []
    latest = {SECONDS: 0.0, STEP: 0.0}
    for number, line in enumerate(lines, start=2):
        row = next(csv.reader([line]), [])
        if problem := _problem(header, row, latest):
            problems.append(f"{path}, line {number}: {problem}; the row is left out")
            continue
        numbers = [float(cell) if cell else math.nan for cell in row]
        latest = {name: numbers[header.index(name)] for name in latest}
        kept.append(numbers)
    return np.array(kept, dtype=np.float64).reshape(-1, len(header))


def _sound_numbers(header: list[str], lines: list[str]) -> FloatArray | None:
    """All rows at once, which nearly always are sound; None if any is not."""
    commas = len(header) - 1
    if any(line.count(",") != commas for line in lines):
        return None
    joined = ",".join(lines)
    if ",," in joined or joined.startswith(",") or joined.endswith(","):
        joined = ",".join(cell or "nan" for cell in joined.split(","))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what older numpy says of no number
            values = np.fromstring(joined, sep=",")
    except (ValueError, DeprecationWarning):
        return None
    if values.size != len(lines) * len(header):
        return None
    values = values.reshape(-1, len(header))
    growing = values[:, [header.index(SECONDS), header.index(STEP)]]
    sound = np.isfinite(growing) & (np.diff(growing, axis=0, prepend=0.0) >= 0)
    return values if sound.all() else None


def _problem(header: list[str], row: list[str], latest: Mapping[str, float]) -> str:
    """What is wrong with a row, or ''."""
    if len(row) != len(header):
        return f"found {len(row)} cells, the header has {len(header)}"
    for name, cell in zip(header, row, strict=True):
        try:
            number = float(cell) if cell else math.nan
        except ValueError:
            return f"{name}: found {cell!r}, expected a number"
        if name in latest and not number >= latest[name]:
            return f"{name}: found {number:g} after {latest[name]:g}, it may not fall"
        if name in latest and math.isinf(number):
            return f"{name}: found {number:g}"
    return ""


def write_logged_trial(root: Path, logged: LoggedTrial) -> None:
    """Write a trial below `root` as AlgoPerf's scorer reads it."""
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
        with open(folder / "eval_measurements.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(zip(*(map(_cell, columns[name]) for name in names), strict=True))
    flags = {
        **trial.header.get("flags", {}), "rng_seed": trial.seed, "workload": key.workload,
        "framework": THEIR_NAMES[key.framework],
        "tuning_ruleset": trial.header.get("ruleset", "external"),
    }
    _write_json(folder / "flags_0.json", flags)
    _write_json(folder / "meta_data_0.json", trial.header.get("meta", {}))
    if trial.hyperparameters:
        _write_json(folder / "hparams.json", dict(trial.hyperparameters))


def _cell(number: Any) -> str:
    if math.isnan(number):
        return ""
    return repr(int(number)) if float(number).is_integer() else repr(float(number))


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")

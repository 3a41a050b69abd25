"""A host's own evaluation: `evaluation.py` beside competition.toml, and what it may say of a run.

It stands beside the board and counts for nothing: no score, rank or verdict asks for it. So it is
no part of the rules, and may be written after the runs were played. The host may be a stranger to
whoever runs it, so it runs in a sandbox.
"""

import ast
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.core.records import SandboxLevel
from mlgolf.core.text import printable, significant
from mlgolf.core.trial import Trial
from mlgolf.golf.evaluation_child import FILE, FILES, TOLD
from mlgolf.golf.games import drawn_from
from mlgolf.golf.script_sandbox import SECONDS, Heard, run_script
from mlgolf.results.frozen_code import files_below
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import MODEL
from mlgolf.scoring.qualification import Qualification, qualified_runs

MOST_VALUES, LONGEST_NAME, LONGEST_TEXT = 20, 40, 80
ALLOWED = (
    f"evaluate(run) returns a dict of at most {MOST_VALUES} names (1 to {LONGEST_NAME} characters) "
    f"to finite numbers or texts of at most {LONGEST_TEXT} characters"
)
LABEL = "beside the board: by the host's own script, counts for nothing"
_LARGEST_WHOLE, _LARGEST = 2**53, 1e300  # beyond these readers of JSON round, or refuse
Value = float | int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEvaluation:
    """What the host's script said of one submission of a run."""

    submission: str
    values: Mapping[str, Value]  # in the script's order
    problem: str  # why there are none, a sentence without its full stop; empty if it did not fail
    printed: str  # what it printed, or the beginning of it

    def as_json(self) -> dict[str, Any]:
        return {
            "submission": self.submission, "values": dict(self.values), "problem": self.problem,
            "printed": self.printed,
        }


def evaluated(
    run: RunFolder, folder: Path, *, level: SandboxLevel, seconds: float = SECONDS
) -> list[OwnEvaluation]:
    """What a competition's `evaluation.py` says of a run, submission by submission.

    Args: folder: of the competition. seconds: at most so many for each submission.
    Raises: SandboxError for a sandbox that is not to be had. What is wrong with the script, or
      happens in it, is a `problem`.
    """
    return [
        _evaluated(run, folder, name, level, seconds) for name in run.record.submissions
    ]


def _evaluated(
    run: RunFolder, folder: Path, submission: str, level: SandboxLevel, seconds: float
) -> OwnEvaluation:
    with tempfile.TemporaryDirectory(prefix="mlgolf-evaluation-") as place:
        _lay_out(Path(place).resolve(), run, folder, submission)
        heard = run_script(Path(place).resolve(), level=level, seconds=seconds)
    values, problem = _read(heard)
    return OwnEvaluation(
        submission=submission, values=values, problem=problem, printed=heard.printed
    )


def _read(heard: Heard) -> tuple[dict[str, Value], str]:
    """What a script returned that is allowed, or what is wrong."""
    if heard.answer is None:
        return {}, f"{FILE}: {heard.problem}"
    if error := heard.answer.get("error"):
        line = heard.answer.get("line")
        at = f", line {line}" if isinstance(line, int) else ""
        return {}, f"{FILE}{at}: {printable(error)[:1000]}"
    try:
        return checked_values(heard.answer.get("values")), ""
    except RulesError as error:
        return {}, f"{FILE}: {error}"


def checked_values(found: object) -> dict[str, Value]:
    """What a script returned, if it is of the kind that is allowed.

    Raises: RulesError saying what was found and what is allowed.
    """
    if not isinstance(found, Mapping):
        raise RulesError(f"found a {type(found).__name__}; {ALLOWED}")
    if len(found) > MOST_VALUES:
        raise RulesError(f"found {len(found)} names; {ALLOWED}")
    return {_checked_name(name): _checked_value(name, one) for name, one in found.items()}


def _checked_name(name: object) -> str:
    if isinstance(name, str) and 1 <= len(name) <= LONGEST_NAME and _is_plain(name):
        return name
    raise RulesError(f"found the name {printable(name)[:60]!r}; {ALLOWED}")


def _checked_value(name: object, value: object) -> Value:
    match value:
        case int() if not isinstance(value, bool) and abs(value) <= _LARGEST_WHOLE:
            return value
        case int() | float() if not isinstance(value, bool) and abs(value) < _LARGEST:
            return float(value)  # NaN is not below it either
        case str() if len(value) <= LONGEST_TEXT and _is_plain(value):
            return value
    said = f"{type(value).__name__} {printable(value)[:60]!r}"
    raise RulesError(f"{printable(name)} is {said}; {ALLOWED}")


def _is_plain(text: str) -> bool:
    """One line that no terminal and no database reads as anything else."""
    return text == text.strip() and text.isprintable()


def in_words(value: Value | None) -> str:
    """As boards show it; a dash for none."""
    match value:
        case None | "":
            return "–"
        case float() if math.isfinite(value):
            return significant(value, 4)
        case int():
            return f"{value:,}"
    return str(value)


# --- what it is given ---


def _lay_out(place: Path, run: RunFolder, folder: Path, submission: str) -> None:
    """See `evaluation_child.py` for the other end."""
    public_files(folder, place / FILES)
    trials = [trial for trial in run.trials() if trial.key.submission == submission]
    results = {
        one.key: one.result for one in
        qualified_runs(run.competition, trials, run.record.ruleset)
    }
    told = []
    for number, trial in enumerate(trials):
        model, file = run.trial_path(trial.key) / MODEL, ""
        if model.is_file() and not model.is_symlink():
            file = f"model_{number}.safetensors"
            shutil.copyfile(model, place / file)
        told.append({**_of_trial(trial, results.get(trial.key)), "model_file": file})
    (place / TOLD).write_text(json.dumps({
        "competition": run.competition.name, "objective": run.competition.rules.objective,
        "ruleset": run.record.ruleset, "submission": submission, "trials": told,
    }, default=str))


def _of_trial(trial: Trial, result: Qualification | None) -> dict[str, Any]:
    """NaN where nothing was measured."""
    key = trial.key
    rows = zip(trial.steps.tolist(), trial.seconds.tolist(), strict=True)
    return {
        "workload": key.workload, "study": key.study, "number": key.trial,
        "framework": key.framework, "seed": trial.seed,
        "hyperparameters": dict(trial.hyperparameters),
        "status": str(trial.status.value) if trial.status else None, "reason": trial.reason,
        "verdict": result.verdict.value if result else None,
        "value": result.value if result else None,
        "seconds": trial.total_seconds,
        "evaluations": [
            {"step": step, "seconds": seconds, "metrics": {
                name: float(values[row]) for name, values in trial.metrics.items()
            }} for row, (step, seconds) in enumerate(rows)
        ],
    }  # fmt: skip


def public_files(folder: Path, target: Path) -> None:
    """Copy a competition's folder, but for what its blind games draw examples from."""
    left_out = set(map(Path, drawn_from(load_competition(folder))))
    for name, file in files_below(folder).items():
        if file.is_symlink() or Path(name) in left_out:
            continue
        copied = target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copied)


# --- looked at without running it ---


def faults_of_script(source: bytes) -> Iterator[tuple[int | None, str]]:
    """What can be said of it by reading alone: line, and what is wrong."""
    try:
        tree = ast.parse(source, FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        yield line, f"not Python: {getattr(error, 'msg', None) or error}"
        return
    found = [
        node for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "evaluate"
    ]
    if not found:
        yield None, f"it has no function evaluate(run); {ALLOWED}"
        return
    node, arguments = found[-1], found[-1].args
    taken = [*arguments.posonlyargs, *arguments.args]
    needed = len(taken) - len(arguments.defaults)
    more = [one for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is None]
    if isinstance(node, ast.AsyncFunctionDef):
        yield node.lineno, "evaluate is an async function; make it a plain one"
    elif needed > 1 or more or not (taken or arguments.vararg):
        yield node.lineno, "evaluate is called with one argument, the run: evaluate(run)"

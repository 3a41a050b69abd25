"""Say what a submission is, without training it: at most, a short form takes a few steps.

Runs in the sandbox like every line of a contestant's: the referee never imports a submission.
"""

import json
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mlgolf.core.errors import SubmissionError
from mlgolf.core.messages import Assignment, decode
from mlgolf.core.rules import Contract, Ruleset
from mlgolf.player.harness import begin_only
from mlgolf.player.submission import Submission, load_module, submission_of


def describe(answer_to: int, file: str, ruleset: Ruleset, *contracts: Contract) -> None:
    """Write what there is to say of the module `file`, as JSON, to the descriptor `answer_to`.

    Args: contracts: what the competition takes, its first choice first.
    """
    _answer(answer_to, lambda: _search_space(Path(file), ruleset, contracts))


def begin(answer_to: int, assignment: str) -> None:
    """Take a submission to where its training would begin, and write what it raised on the way.

    Args: assignment: an `Assignment`, encoded.
    """
    told = decode(assignment.encode())
    assert isinstance(told, Assignment)
    _answer(answer_to, lambda: begin_only(told))


def _answer(answer_to: int, describe_it: Callable[[], Any]) -> None:
    try:
        text = json.dumps({"search_space": describe_it()})
    except (Exception, SystemExit) as error:
        text = json.dumps({
            "error": f"{type(error).__name__}: {error}",
            "at": _place(error),
            "kind": type(error).__name__,
        })
    os.write(answer_to, text.encode() + b"\n")


def _place(error: BaseException) -> str:
    """Where it was raised; of what is no Python, where it stands."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{where.filename}, line {where.lineno}"


def _search_space(file: Path, ruleset: Ruleset, contracts: Sequence[Contract]) -> Any:
    """What a submission declares; None of an entry, which has no hyperparameters of ours."""
    module = load_module(file, contracts[0])
    if callable(getattr(module, "play", None)):
        return None
    submission = submission_of(module, file, contracts)
    if submission.rehearse is not None:
        _rehearse(submission, ruleset)
    return submission.search_space


def _rehearse(submission: Submission, ruleset: Ruleset) -> None:
    assert submission.rehearse is not None
    try:
        submission.rehearse(self_tuning=ruleset == "self")
    except SubmissionError as error:
        raise SubmissionError(f"{submission.file.name}: {error}") from error

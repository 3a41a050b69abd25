"""Say what a submission is, without training it: at most, a short form takes a few steps.

Runs in the sandbox like every line of a contestant's: the referee never imports a submission.
"""

import json
import os
import traceback
from pathlib import Path

from mlgolf.core.errors import SubmissionError
from mlgolf.core.records import Ruleset
from mlgolf.player.submission import Submission, load_submission


def describe(answer_to: int, file: str, ruleset: Ruleset) -> None:
    """Write what there is to say of the module `file`, as JSON, to the descriptor `answer_to`."""
    try:
        submission = load_submission(Path(file))
        if submission.rehearse is not None:
            _rehearse(submission, ruleset)
        answer = {"search_space": submission.search_space}
        text = json.dumps(answer)
    except (Exception, SystemExit) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = json.dumps({
            "error": f"{type(error).__name__}: {error}",
            "at": f"{where.filename}, line {where.lineno}",
            "kind": type(error).__name__,
        })
    os.write(answer_to, text.encode() + b"\n")


def _rehearse(submission: Submission, ruleset: Ruleset) -> None:
    assert submission.rehearse is not None
    try:
        submission.rehearse(self_tuning=ruleset == "self")
    except SubmissionError as error:
        raise SubmissionError(f"{submission.file.name}: {error}") from error

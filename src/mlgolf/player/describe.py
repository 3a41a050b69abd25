"""Say what a submission is, without training it.

Run as `python -m mlgolf.player.describe FILE DESCRIPTOR`; the answer goes to the descriptor.

Runs in the sandbox like every line of a contestant's: the referee never imports a submission.
"""

import json
import os
import sys
import traceback
from pathlib import Path

from mlgolf.player.submission import load_submission


def main(file: str, descriptor: str) -> None:
    try:
        submission = load_submission(Path(file))
        answer = {"search_space": submission.search_space}
        text = json.dumps(answer)
    except (Exception, SystemExit) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = json.dumps({
            "error": f"{type(error).__name__}: {error}",
            "at": f"{where.filename}, line {where.lineno}",
            "kind": type(error).__name__,
        })
    os.write(int(descriptor), text.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])

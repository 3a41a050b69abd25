"""Check the sandbox and print what held. Standard library: any Python can run it.

    try_walls.py SRC [process]
"""

import json
import sys
from dataclasses import asdict

sys.path.insert(0, sys.argv[1])

from mlgolf.referee.levels import bubblewrap_problem
from mlgolf.referee.sandbox_check import check_sandbox


def main(options: list[str]) -> None:
    level = "process" if "process" in options else "bubblewrap"
    assert level == "process" or not bubblewrap_problem(), bubblewrap_problem()
    print(json.dumps(asdict(check_sandbox(level))))


if __name__ == "__main__":
    main(sys.argv[2:])

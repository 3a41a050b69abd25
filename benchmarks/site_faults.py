"""What is lost when the processes of a site are killed during 20 submissions?

    site_faults.py [--submissions 20] [--kills 24] [--seed 0] [--sqlite]

A site on PostgreSQL is served with a worker, and a person hands in a game of a second through the
form, again and again where no answer comes. Meanwhile the worker, the web process, the keeper
(`mlgolf site serve`) and the database server are killed by SIGKILL at random moments; what systemd
would start again is started again. At the end every submission must have

    one run, done, with a verdict, once on the board, and the small file beside its bundle
    a cost of one submission to the person, whatever was killed
    a bundle that is as it was sealed, with its line in the ledger; no line without a bundle

Exit code 1 otherwise. It takes some minutes; as root, or as a user who may start PostgreSQL.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from common import print_machine

TESTS = Path(__file__).parent.parent / "website" / "tests"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--submissions", type=int, default=20)
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sqlite", action="store_true", help="and so no server to be killed")
    asked = parser.parse_args()
    sys.path.insert(0, str(TESTS))
    import quick_game
    from faulty_site import FaultySite, play, problems
    from postgresql import Server
    from uploads import folder_zip

    print_machine()
    server = None if asked.sqlite else Server()
    with tempfile.TemporaryDirectory(prefix="mlgolf-site-faults-") as scratch:
        game = quick_game.make(Path(scratch) / "quick")
        names = [f"entry-{number}" for number in range(asked.submissions)]
        kinds = ["worker", "worker", "web", "keeper", *([] if asked.sqlite else ["database"])]
        site = None
        try:
            if server is not None:
                server.make()
            site = FaultySite(
                Path(scratch) / "site", game, limit=2 * asked.submissions, server=server
            )
            began = time.monotonic()
            found = play(
                site, names, folder_zip(game / "baseline"), kinds=kinds, kills=asked.kills,
                seconds=(2.0, 9.0), seed=asked.seed,
            )
            wrong = problems(site, names, found)
            attempts = [run["attempts"] for runs in found["entries"].values() for run in runs]
            took = time.monotonic() - began
            print(f"seed {asked.seed}: {len(names)} submissions in {took:.0f} s")
            print("killed: " + ", ".join(f"{k} {n}" for k, n in sorted(site.kills.items())))
            print(f"times that a submission was played: {sum(attempts) / len(attempts):.2f} on "
                  f"average, at most {max(attempts)}")
            for problem in wrong:
                print(f"WRONG: {problem}")
            if wrong:
                print(site.said())
            else:
                print("every submission has one verdict; none was lost, doubled or charged twice")
            return 1 if wrong else 0
        finally:
            if site is not None:
                site.end()
            if server is not None:
                server.remove()


if __name__ == "__main__":
    sys.exit(main())

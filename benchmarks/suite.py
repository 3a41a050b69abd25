"""One NadamW point through all of `mini`: how long somebody waits, against how long it trains.

    suite.py [--framework jax]

Wall time of every trial, the clock that the rules charge, and the share of the wall time in which
nothing trained: starting and evaluating. That share is to stay below a third.
"""

import argparse
import resource
import time

from common import print_machine, spread
from played import Played, played

from mlgolf.core.competition import load_competition

STUDIES = 3


def told(found: list[Played]) -> str:
    trials = [one.trial for one in found]
    total = [trial.total_seconds or 0.0 for trial in trials]
    return (
        f"{trials[0].key.workload}: {', '.join(str(trial.status) for trial in trials)}; wall "
        f"{spread([one.seconds for one in found])} s, clock {spread(total)} s, not training "
        f"{spread([100 * one.evaluating for one in found])}% of the wall time"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", default="torch")
    framework = parser.parse_args().framework
    print_machine()
    began = time.perf_counter()
    found = list(played(load_competition("mini"), framework=framework, studies=STUDIES))
    wall = time.perf_counter() - began
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    by_workload: dict[str, list[Played]] = {}
    for one in found:
        by_workload.setdefault(one.trial.key.workload, []).append(one)
    for trials in by_workload.values():
        print(told(trials))
    trained = sum(one.trial.total_seconds or 0.0 for one in found)
    cpu = sum(u.ru_utime + u.ru_stime for u in usage)
    print(
        f"suite, {STUDIES} times: wall / clock = {wall / trained:.2f}; {wall:.0f} s of wall time, "
        f"{cpu:.0f} s of CPU time, {trained:.0f} s on the clock; once it takes "
        f"{wall / STUDIES:.0f} s"
    )


if __name__ == "__main__":
    main()

"""Hold the burners with the sandbox and print what leaked. Standard library: any Python can run it.

    try_freezing.py SRC [best_effort] [task_clock] [once]
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess

FREEZES, SECONDS = 20, 0.5


def main(options: list[str]) -> None:
    order = Order(
        argv=[sys.executable, "-I", "-S", str(Path(__file__).with_name("burners.py")), "burn"],
        see=[Path(__file__).parent, Path(sys.prefix), Path(sys.base_prefix)],
        best_effort="best_effort" in options,
    )
    held = HeldProcess(order, control_group="task_clock" not in options)
    try:
        held.start()
        time.sleep(0.5)
        leaked = []
        for _ in range(1 if "once" in options else FREEZES):
            held.freeze()
            before = held.cpu_seconds()
            time.sleep(SECONDS)
            leaked.append(held.cpu_seconds() - before)
            held.thaw()
            time.sleep(0.03)
        used = held.cpu_seconds()
    finally:
        held.stop()
    print(json.dumps({"leaked": leaked, "used": used, "record": held.record()}))


if __name__ == "__main__":
    main(sys.argv[2:])

"""Does `mlgolf verify` find every change of a bundle?

    python benchmarks/bundle_mutations.py [10000] [RUN]

So many random changes of one signed bundle: bits, bytes, ranges, entries, the directory, the seal
and its writing. Prints how many of each kind were made, and how many were overlooked. RUN is a run
folder; by default a small one that the tests have.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from common import print_machine
from mutations import is_found, mutated

from mlgolf.results.bundles.ledger import new_ledger
from mlgolf.results.bundles.writing import write_bundle

STORED = Path(__file__).parents[1] / "tests" / "golden" / "run_of_schema_2" / "run"


def main(count: int = 10_000, run: Path = STORED) -> int:
    made, overlooked = Counter(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        bundle, changed_bundle = Path(folder, "sound.zip"), Path(folder, "changed.zip")
        write_bundle(run, bundle, new_ledger(Path(folder, "host")))
        content, random = bundle.read_bytes(), Random(count)
        began = time.perf_counter()
        for _ in range(count):
            name, changed = mutated(content, random)
            changed_bundle.write_bytes(changed)
            made[name] += 1
            overlooked[name] += not is_found(changed_bundle)
        seconds = time.perf_counter() - began
    print_machine()
    for name, times in sorted(made.items()):
        print(f"{name.replace('_', ' '):28} {times:6} made, {overlooked[name]} overlooked")
    print(
        f"{count} changes of a bundle of {len(content)} bytes: {overlooked.total()} overlooked; "
        f"{1e3 * seconds / count:.2f} ms each"
    )
    return 1 if overlooked.total() else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(*map(int, given[:1]), *map(Path, given[1:2])))

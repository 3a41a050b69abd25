"""Is selective backpropagation 1.25 times as fast, where steps are bound by compute?

    selective_backprop.py [--studies 2] [--out runs/selective_backprop]

On imagenet_resnet at four times its batch (64), steps are bound by compute: one on half of the
examples takes little more than half the time. Played are the baseline at that batch, selective
backpropagation over the middle and over the second half of training, and, since an honest baseline
chooses its batch, the baseline at half and at a quarter of it. All choose between two learning
rates. Prints `mlgolf curve` with the baseline at the large batch, and the table of all points.
"""

import argparse
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import DATA_DIR, print_machine

import mlgolf

EXAMPLE = Path(__file__).parents[1] / "examples" / "methods"
WORKLOAD, RATES, BUDGETS = "imagenet_resnet", (1.0, 2.0), (0.125, 0.25, 0.5)
BATCH_SIZE = """

def get_batch_size(workload_name):
    from mlgolf.core.published import published_batch_size

    return {factor} * published_batch_size(workload_name)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    batch_factor: int = 4  # times the published batch
    knobs: Mapping[str, Any] = field(default_factory=dict)  # of selective backpropagation, if any


VARIANTS = {
    "batch_64": Variant(),
    "batch_32": Variant(batch_factor=2),
    "batch_16": Variant(batch_factor=1),
    "selective_middle": Variant(knobs={"start": 0.3, "end": 0.8, "keep": 0.5, "interrupt": 0}),
    "selective_late": Variant(knobs={"start": 0.5, "end": 0.9, "keep": 0.5, "interrupt": 0}),
}


def submission(folder: Path, variant: Variant) -> Path:
    """A copy of examples/methods, with a point for each learning rate."""
    shutil.copytree(
        EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    with (folder / "submission_torch.py").open("a", encoding="utf-8") as file:
        file.write(BATCH_SIZE.format(factor=variant.batch_factor))
    point = json.loads((EXAMPLE / "tuning_search_space.json").read_text())[0]
    point |= {f"selective_backprop__{knob}": value for knob, value in variant.knobs.items()}
    point["methods"] = ["selective_backprop"] if variant.knobs else []
    points = [{**point, "learning_rate": rate * point["learning_rate"]} for rate in RATES]
    (folder / "tuning_search_space.json").write_text(json.dumps(points, indent=1) + "\n")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2, help="seeds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=1, help="trials at a time")
    parser.add_argument("--out", type=Path, default=Path("runs/selective_backprop"))
    parser.add_argument("--progress", action="store_true")
    asked = parser.parse_args()
    print_machine()
    out = asked.out / "run"
    folders = [asked.out / "submissions" / name for name in VARIANTS]
    if not out.exists():
        for folder, variant in zip(folders, VARIANTS.values(), strict=True):
            submission(folder, variant)
    run = mlgolf.run(
        folders, workloads=WORKLOAD, tuning="external", trials=len(RATES), studies=asked.studies,
        ladder=BUDGETS, seed=asked.seed, parallel=asked.parallel, data_dir=DATA_DIR, out=out,
        resume=out.exists(), progress=asked.progress,
    )
    found = mlgolf.curve(run.path, baseline="batch_64")
    found.save(asked.out)
    print(found)
    for name, points in found.comparison.table.points.items():
        told = ", ".join(f"{point.quality:.4f} after {point.time:.2f} s" for point in points)
        print(f"{name}: {told}")


if __name__ == "__main__":
    main()

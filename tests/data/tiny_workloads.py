"""Clicks and tokens in many small files, images in many small shards, prepared by a process alone.

    tiny_workloads.py NAME DATA_DIR
"""

import sys
from dataclasses import replace
from pathlib import Path

from mlgolf.core.registry import load_workload
from mlgolf.core.workload import Workload
from mlgolf.data import image_folder, layout

SHARD_BYTES = 20_000
DOCUMENTS_PER_FILE = 10
NAMES = ("criteo1tb", "imagenet_resnet", "finewebedu_lm")


def tiny(name: str) -> Workload:
    workload = load_workload(name)
    size = workload.size("mini")
    recipe, examples = size.data.recipe, {"train": 24_000, "validation": 400, "test": 400}
    if name == "criteo1tb":
        recipe = replace(recipe, rows_per_file=400)
    elif name == "imagenet_resnet":
        examples["train"] = 1_600
    else:
        examples["train"] = 12_000
    data = replace(size.data, folder="tiny", recipe=recipe)
    return replace(
        workload, sizes={"tiny": replace(size, name="tiny", examples=examples, data=data)}
    )


if __name__ == "__main__":
    image_folder.SHARD_BYTES = SHARD_BYTES
    layout.prepare(tiny(sys.argv[1]), "tiny", Path(sys.argv[2]))

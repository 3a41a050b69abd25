"""The training loop without a referee: same model, data, optimizer and step, in a process alone.

    bare_loop_torch.py WORKLOAD TRAIN_FOLDER WINDOW   for each line: CPU seconds of WINDOW steps
"""

import gc
import sys
import time
from pathlib import Path

import torch

from mlgolf.backends import load_backend
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode

sys.path.insert(0, str(Path(__file__).parent / "plain"))
from submission_torch import LEARNING_RATE


def main(name: str, folder: str, window: int) -> None:
    backend = load_backend("torch")
    backend.configure(1)
    workload = load_workload(name)
    size = workload.size("mini")
    model = workload.model("torch", size)
    params, _ = model.init(backend.split(backend.key(1), 4)[2])
    split = workload.data().open_split(Path(folder), size, "train")
    batches = map(backend.to_device, split.train_batches(size.batch_size, 1))
    optimizer = torch.optim.SGD(params.parameters(), lr=LEARNING_RATE)
    gc.collect()
    gc.freeze()  # as the player does before its clock starts
    for _ in sys.stdin:
        began = time.process_time()
        for _ in range(window):
            batch = next(batches)
            optimizer.zero_grad()
            logits, _ = model.apply(
                params, batch, None, ForwardPassMode.TRAIN, None, True, size.dropout_rate
            )
            loss = model.loss(batch["targets"], logits, batch.get("weights"))
            (loss["summed"] / loss["n_valid_examples"]).backward()
            optimizer.step()
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

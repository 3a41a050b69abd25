"""The training loop without a referee: same model, data, optimizer and step; a file of its own.

    bare_loop.py WORKLOAD TRAIN_FOLDER SKIP STEPS     prints the CPU seconds of STEPS - SKIP steps
"""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import torch

from mlgolf.backends import load_backend
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode

sys.path.insert(0, str(Path(__file__).parent))
from plain_submission import LEARNING_RATE


def main(name: str, folder: str, skip: int, steps: int) -> None:
    backend = load_backend("torch")
    backend.configure(1)
    workload = load_workload(name)
    size = workload.size("mini")
    model = workload.model("torch", size)
    params, _ = model.init(backend.split(backend.key(1), 4)[2])
    split = workload.data().open_split(Path(folder), size, "train")
    batches = map(backend.to_device, split.train_batches(size.batch_size, 1))
    optimizer = torch.optim.SGD(params.parameters(), lr=LEARNING_RATE)
    state = SimpleNamespace(began=0.0)
    for step in range(steps):
        if step == skip:
            state.began = time.process_time()
        batch = next(batches)
        optimizer.zero_grad()
        logits, _ = model.apply(
            params, batch, None, ForwardPassMode.TRAIN, None, True, size.dropout_rate
        )
        loss = model.loss(batch["targets"], logits, batch.get("weights"))
        (loss["summed"] / loss["n_valid_examples"]).backward()
        optimizer.step()
    print(time.process_time() - state.began)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

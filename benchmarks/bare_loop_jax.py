"""The training loop without a referee: same model, data, optimizer and step, in a process alone.

    bare_loop_jax.py WORKLOAD TRAIN_FOLDER WINDOW     for each line: CPU seconds of WINDOW steps
"""

import gc
import sys
import time
from functools import partial
from pathlib import Path

import jax

from mlgolf.backends import load_backend
from mlgolf.core.registry import load_workload

sys.path.insert(0, str(Path(__file__).parent / "plain"))
from submission_jax import compiled_step


def main(name: str, folder: str, window: int) -> None:
    backend = load_backend("jax")
    backend.configure(1)
    workload = load_workload(name)
    size = workload.size("mini")
    model = workload.model("jax", size)
    rng = backend.key(1)
    params, model_state = model.init(backend.split(rng, 4)[2])
    apply = partial(model.apply, dropout_rate=size.dropout_rate)
    step = compiled_step(apply, model.loss)
    split = workload.data().open_split(Path(folder), size, "train")
    batches = map(backend.to_device, split.train_batches(size.batch_size, 1))
    gc.collect()
    gc.freeze()  # as the player does before its clock starts
    for _ in sys.stdin:
        began = time.process_time()
        for _ in range(window):
            rng, of_step = backend.split(rng, 2)
            params, model_state = step(params, model_state, next(batches), of_step)
        jax.block_until_ready(params)
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

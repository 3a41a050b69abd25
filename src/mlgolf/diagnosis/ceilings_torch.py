"""The ceilings of this machine in PyTorch, in float32."""

import torch

from mlgolf.diagnosis.timing import clock_for, in_turns

SIZE = {"cpu": 1536, "cuda": 8192}  # of the sides of the product
COPIED = {"cpu": 2**26, "cuda": 2**29}  # bytes: more than caches hold
SMALL = 2**18  # bytes, which a core's cache holds
SECONDS = 4.0
BATCH_OF_NOTHING = 1000  # operations


def device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def measured(threads: int) -> tuple[float, float, float, float]:
    """(FLOP/s, bytes/s of large and of small copies, seconds to start an operation).

    Bytes are those read and those written. On a GPU small copies only show how long one takes to
    start, so they are 0 there.
    """
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    side = SIZE[kind]
    with torch.no_grad():
        left, right = (torch.rand(side, side, device=kind) for _ in range(2))
        source = torch.zeros(COPIED[kind] // 4, device=kind)
        target = torch.empty_like(source)
        small, small_copy = source[:SMALL // 4].clone(), target[:SMALL // 4].clone()
        nothing = torch.zeros(4, device=kind)

        def start_many() -> None:
            for _ in range(BATCH_OF_NOTHING):
                nothing.add_(1.0)

        works = {
            "product": lambda: left @ right, "copy": lambda: target.copy_(source),
            "small": lambda: small_copy.copy_(small), "nothing": start_many,
        }  # fmt: skip
        wait = torch.cuda.synchronize if kind == "cuda" else lambda: None
        took = in_turns(works, wait, seconds=SECONDS, clock=clock_for(kind, threads))
    torch.set_num_threads(before)
    return (
        2 * side**3 / took["product"], 2 * COPIED[kind] / took["copy"],
        2 * SMALL / took["small"] if kind == "cpu" else 0.0, took["nothing"] / BATCH_OF_NOTHING,
    )  # fmt: skip

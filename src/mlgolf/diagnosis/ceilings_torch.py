"""The ceilings of this machine in PyTorch: in float32, and of products in the other types."""

from collections.abc import Callable

import torch

from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.diagnosis.timing import clock_for, in_turns

SIZE = {"cpu": 1536, "cuda": 8192}  # of the sides of the product
COPIED = {"cpu": 2**26, "cuda": 2**29}  # bytes: more than caches hold
TYPES = {"cpu": (torch.bfloat16,), "cuda": (torch.bfloat16, torch.float16)}  # besides float32
TYPED_SIZE = {"cpu": 512, "cuda": 8192}  # of their products, which are slow where no CPU has them
SMALL = 2**18  # bytes, which a core's cache holds
SECONDS = 4.0
BATCH_OF_NOTHING = 1000  # operations


def device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def measured(threads: int) -> Ceilings:
    """On a GPU small copies only show how long one takes to start, so they are 0 there."""
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
            **_typed_products(kind),
        }  # fmt: skip
        wait = torch.cuda.synchronize if kind == "cuda" else lambda: None
        took = in_turns(works, wait, seconds=SECONDS, clock=clock_for(kind, threads))
    torch.set_num_threads(before)
    known = {*works} - {"product", "copy", "small", "nothing"}
    return Ceilings(
        flops=2 * side**3 / took["product"], bandwidth=2 * COPIED[kind] / took["copy"],
        cached_bandwidth=2 * SMALL / took["small"] if kind == "cpu" else 0.0,
        launch_seconds=took["nothing"] / BATCH_OF_NOTHING,
        flops_by_type={name: 2 * TYPED_SIZE[kind] ** 3 / took[name] for name in sorted(known)},
    )


def _typed_products(kind: str) -> dict[str, Callable[[], object]]:
    """By the type's name; on a GPU also in float32 with the shorter mantissa that it may have."""
    side = TYPED_SIZE[kind]
    works: dict[str, Callable[[], object]] = {}
    for dtype in TYPES[kind]:
        value = torch.ones(side, side, device=kind, dtype=dtype)
        works[str(dtype).removeprefix("torch.")] = lambda value=value: value @ value
    if kind == "cuda":
        single = torch.ones(side, side, device=kind)

        def in_tf32() -> None:
            before = torch.backends.cuda.matmul.allow_tf32
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.mm(single, single)
            torch.backends.cuda.matmul.allow_tf32 = before

        works["tf32"] = in_tf32
    return works

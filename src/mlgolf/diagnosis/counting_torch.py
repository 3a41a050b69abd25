"""Counts the operations of PyTorch: how many of each kind, their FLOP and the bytes they touch."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from mlgolf.analysis.roofline import Operation


def count_operations(work: Callable[[], object]) -> list[Operation]:
    """Those of `work`, called once, by name. FLOP are those of products and convolutions.

    Views touch no bytes and are no kernels, but each is dispatched, so it counts as one.
    """
    counter = Counter()
    with counter:
        work()
    return counter.found()


class Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self._count: dict[str, int] = defaultdict(int)
        self._flop: dict[str, float] = defaultdict(float)
        self._bytes: dict[str, float] = defaultdict(float)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._overloadpacket.__name__
        self._count[name] += 1
        count_flop = flop_registry.get(func._overloadpacket)
        if count_flop is not None:
            self._flop[name] += count_flop(*args, **(kwargs or {}), out_val=out)
        if not func.is_view:
            self._bytes[name] += _bytes_of(args, out)
        return out

    def found(self) -> list[Operation]:
        return [
            Operation(name=name, count=count, flop=self._flop[name], bytes=self._bytes[name])
            for name, count in self._count.items()
        ]


def _bytes_of(args: Any, out: Any) -> float:
    """Of what is read and written. Of a table of which a few rows are read, only those count."""
    tensors = [leaf for leaf in tree_leaves((args, out)) if isinstance(leaf, Tensor)]
    written = max((t.numel() * t.element_size() for t in tree_leaves(out)
                   if isinstance(t, Tensor)), default=0)  # fmt: skip
    sizes = [t.numel() * t.element_size() for t in tensors if t.layout is torch.strided]
    looked_up = any(t.dtype in (torch.int64, torch.int32) and t.dim() for t in tensors)
    return float(sum(min(size, written) if looked_up else size for size in sizes))

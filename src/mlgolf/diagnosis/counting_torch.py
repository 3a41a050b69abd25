"""Counts the operations of PyTorch: how many of each kind and size, their FLOP, the bytes they
touch."""

import math
from collections import Counter as Tally
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from mlgolf.analysis.diagnosis.roofline import Operation

# They touch no bytes: what is empty is not filled, and the other one is a view by another name.
_MOVES_NOTHING = frozenset({
    "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_unsafe_view",
})  # fmt: skip

_COMMUNICATION = ("c10d", "_c10d_functional")  # namespaces of what processes say to one another


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query.shape, key.shape, value.shape)


def _attention_backward(
    grad_out: Tensor, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any
) -> int:
    return sdpa_backward_flop_count(grad_out.shape, query.shape, key.shape, value.shape)


# Attention on a CPU, which the registry of torch 2.13 lacks.
_ATTENTION: dict[str, Callable[..., int]] = {
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
}


def count_operations(work: Callable[[], object]) -> list[Operation]:
    """Those of `work`, called once. FLOP are those of products and convolutions.

    Views touch no bytes and are no kernels, but each is dispatched, so it counts as one.
    """
    counter = Counter()
    with counter:
        work()
    return counter.found()


class Counter(TorchDispatchMode):
    """Operations of one name, one size and one type are one record: each size has its own bound."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = False
        self._seen: Tally[tuple[str, float, float, str]] = Tally()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not self.paused and func.namespace not in _COMMUNICATION:
            name = func._overloadpacket.__name__
            is_view = func.is_view or name in _MOVES_NOTHING
            moved = 0.0 if is_view else _bytes_of(args, out)
            flop = _flop_of(func, args, kwargs or {}, out)
            self._seen[name, flop, moved, _type_of(name, out)] += 1
        return out

    def found(self) -> list[Operation]:
        return [
            Operation(name=name, count=count, flop=count * flop, bytes=count * moved, dtype=dtype)
            for (name, flop, moved, dtype), count in self._seen.items()
        ]


def _flop_of(func: Any, args: Any, kwargs: Any, out: Any) -> float:
    of_attention = _ATTENTION.get(func._overloadpacket.__name__)
    if of_attention is not None:
        return float(of_attention(*args, **kwargs))
    count = flop_registry.get(func._overloadpacket)
    return 0.0 if count is None else float(count(*args, **kwargs, out_val=out))


def _type_of(name: str, out: Any) -> str:
    """Of its first result, which has the type that a product is computed in.

    Convolutions have a setting of their own for TF32, which is on by default.
    """
    first = next((leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)), None)
    if first is None:
        return ""
    if first.is_cuda and first.dtype == torch.float32 and _has_tf32(name):
        return "tf32"
    return str(first.dtype).removeprefix("torch.")


def _has_tf32(name: str) -> bool:
    backends = torch.backends
    return bool(
        backends.cudnn.allow_tf32 if "conv" in name else backends.cuda.matmul.allow_tf32
    )


def _bytes_of(args: Any, out: Any) -> float:
    """Of what is read and written. Of a table of which a few rows are read, only those count."""
    tensors = [leaf for leaf in tree_leaves((args, out)) if isinstance(leaf, Tensor)]
    written = max((t.numel() * t.element_size() for t in tree_leaves(out)
                   if isinstance(t, Tensor)), default=0)  # fmt: skip
    sizes = [_held(t) for t in tensors if t.layout is torch.strided]
    looked_up = any(t.dtype in (torch.int64, torch.int32) and t.dim() for t in tensors)
    return float(sum(min(size, written) if looked_up else size for size in sizes))


def _held(tensor: Tensor) -> int:
    """Bytes in memory: a dimension that was expanded is there once."""
    sides = zip(tensor.shape, tensor.stride(), strict=True)
    return math.prod(side for side, stride in sides if stride) * tensor.element_size()

"""What a step trains on, by the form of its batch."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

DataKind = Literal["images", "tokens", "other"]
_INTEGERS = ("int", "uint")


def data_kind(batch: Any) -> DataKind | None:
    """By the first array with two dimensions or more; None where a batch has no array at all.

    Images are (batch, channels, height, width) in any order, tokens integers (batch, length).
    """
    arrays = list(_arrays(batch))
    if not arrays:
        return None
    form = next((array for array in arrays if len(array.shape) > 1), arrays[0])
    if len(form.shape) == 4:
        return "images"
    integers = str(form.dtype).rpartition(".")[2].startswith(_INTEGERS)  # "torch.int64", "int64"
    return "tokens" if integers and len(form.shape) == 2 else "other"


def _arrays(batch: Any) -> Iterator[Any]:
    """In order, of any framework."""
    if hasattr(batch, "shape") and hasattr(batch, "dtype"):
        yield batch
    elif isinstance(batch, Mapping):
        for one in batch.values():
            yield from _arrays(one)
    elif isinstance(batch, list | tuple):
        for one in batch:
            yield from _arrays(one)

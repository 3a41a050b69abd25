"""How frameworks say that memory ran out. Each has an error of its own, so words are looked at."""

_WORDS = (
    "out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory",
    "resource_exhausted", "memoryerror", "failed to allocate", "bad_alloc",
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or says_out_of_memory(f"{type(error).__name__}: {error}")


def says_out_of_memory(text: str) -> bool:
    return any(word in text.lower() for word in _WORDS)

"""Arithmetic of schedules: ramps in steps, and sizes rounded so that there are few of them.

A size that was not seen before costs a compilation in JAX and under torch.compile, so what grows
grows in steps.
"""


def ramp(progress: float, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end` on, linear between; a jump where they are the same."""
    if progress < start:
        return 0.0
    return 1.0 if progress >= end else (progress - start) / (end - start)


def in_steps(share: float, steps: int) -> float:
    """A share in [0, 1], rounded down to one of `steps` equal steps below 1."""
    return int(share * steps + 1e-9) / steps  # 0.3 * 10 is a little less than 3


def rounded_size(size: int, share: float, multiple: int = 1) -> int:
    """About `share` of a size: the nearest multiple, at least one of them, at most the size."""
    if share >= 1:
        return size
    return min(size, max(1, int(size * share / multiple + 0.5)) * multiple)

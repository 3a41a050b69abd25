"""Was a trial disturbed? Decided by what the machine did around it, never by what it came to.

A busy neighbour, heat, or the host of a virtual machine makes a trial's seconds more than they
would have been. Three signs tell: the class's probe took longer before or after the trial than at
its best, time of the player's cores was given to another virtual machine, or other programs kept
the machine's other cores busy.
"""

from collections.abc import Iterator

from mlgolf.core.records import Background, Calibration
from mlgolf.core.text import number_of

# What other cores that are busy all the time add to CPU seconds: a tenth for products of matrices
# (docs/measurement.md). So they may be busy for `above` over this share of the time.
COST_OF_NEIGHBOURS = 0.1
MEANING = (
    "the machine was slower or busier than it should be, so seconds may be too many; it counts all "
    "the same"
)


def disturbance(background: Background, calibration: Calibration | None, above: float) -> str:
    """Why a trial counts as disturbed, in words; empty if no sign says so.

    Args:
      calibration: of the machine before the run; None where it was not measured.
      above: the share of its time by which a trial may be slowed down.
    """
    if background.beside_trials:
        return ""
    return "; ".join((
        *_by_probes(background, calibration, above), *_by_other_programs(background, above),
    ))  # fmt: skip


def _by_probes(
    background: Background, calibration: Calibration | None, above: float
) -> Iterator[str]:
    if background.problem:
        yield background.problem
    found = {"before": background.before, "after": background.after}
    seconds = {when: taken for when, taken in found.items() if taken is not None}
    if not seconds:
        return
    calibrated: list[float] = [calibration.seconds] if calibration else []
    best = min([*seconds.values(), *calibrated])
    when = max(seconds, key=lambda name: seconds[name])
    if seconds[when] > (1 + above) * best:
        yield (
            f"the probe of the machine's speed took {seconds[when] / best - 1:.1%} longer {when} "
            f"it than at its best, the rules allow {100 * above:g}%"
        )


def _by_other_programs(background: Background, above: float) -> Iterator[str]:
    if background.stolen > above:
        yield (
            f"{background.stolen:.1%} of its core's time was given to other virtual machines, the "
            f"rules allow {100 * above:g}%"
        )
    cores = max(background.other_cores, 1)
    if COST_OF_NEIGHBOURS * background.others > above * cores:
        kept = f"{background.others:.1f} of {number_of(cores, 'core')}"
        yield f"other programs kept {kept} busy beside it"

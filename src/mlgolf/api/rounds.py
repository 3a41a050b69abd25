"""What a host learns of the data of a game, and the next round of it."""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from mlgolf.core.competition import shipped_folder
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import RulesError, UnknownName
from mlgolf.core.text import number_of
from mlgolf.data.layout import default_data_dir
from mlgolf.golf.costliest import ExampleLosses, example_losses, write_next_round
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.run_names import latest_run

SHOWN = 20


@disk_errors_told()
def costliest(
    run: "str | PathLike[str] | None" = None, *, competition: str = "",
    data_dir: "str | PathLike[str] | None" = None,
) -> list[ExampleLosses]:
    """The loss of every training example, costliest first, by the models that a run kept.

    Args:
      run: the latest if None.
      competition: its folder, where data that are drawn anew need its files.
    Raises: RunFolderError where none was kept; DataError.
    """
    folder = RunFolder(Path(run) if run is not None else latest_run())
    files = Path(competition) if Path(competition).is_dir() and competition else None
    return example_losses(folder, Path(data_dir or default_data_dir()), files)


def costliest_lines(losses: ExampleLosses, share: float) -> Iterator[str]:
    """For a person: the costliest examples, and how much of all loss is theirs."""
    count = len(losses.costliest(share))
    yield (
        f"{losses.workload}: the costliest {count} of {len(losses.rows)} examples ({share:.1%}) "
        f"have {losses.share_of_loss(count):.0%} of the loss; mean over "
        f"{number_of(losses.models, 'model')}"
    )
    for row, loss in list(zip(losses.rows, losses.losses, strict=True))[: min(count, SHOWN)]:
        line = losses.line(row)
        where = f"example {row}, from 0" + (f" (line {line} of {losses.file})" if line else "")
        yield f"  {where}: {loss:.4g} {losses.unit}".rstrip()
    if count > SHOWN:
        yield f"  and {count - SHOWN} more: with --json all examples are listed"


@disk_errors_told()
def next_round(
    found: Sequence[ExampleLosses], share: float, competition: str, destination: Path
) -> int:
    """Write the game without its costliest examples. Returns: the number of the round.

    Args: competition: the game's folder, or its name; the one that was played if empty.
    Raises: RulesError for several workloads, or a game whose folder is not known.
    """
    if len(found) != 1:
        raise RulesError("the next round of a game with several workloads is written by hand")
    game = _folder_of(competition, found[0].competition)
    return write_next_round(game, destination, found[0].costliest(share))


def _folder_of(competition: str, played: str) -> Path:
    if competition:
        folder = Path(competition)
        return folder if folder.is_dir() else shipped_folder(competition)
    try:
        return shipped_folder(played)
    except UnknownName:
        raise RulesError(
            f"the run is of {played}, which does not ship: give its folder as --competition"
        ) from None

"""Plays an ablation: every combination of methods, tuned alike, in one run folder."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from mlgolf.api.live import play, say, shortfall
from mlgolf.api.playing import not_again, play_in_folder, settings_kept
from mlgolf.api.results import AnyPath
from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError, RunFolderError
from mlgolf.core.records import SandboxLevel
from mlgolf.data.layout import default_data_dir
from mlgolf.experiments.ablations import chosen_design, variants
from mlgolf.experiments.served_methods import check_that_methods_act
from mlgolf.results.run_folder import RunFolder


@not_again()
def measure(
    submission: AnyPath, methods: Sequence[str], console: Console, *,
    workloads: Sequence[str] = (), design: str = "full", resolution: int = 5,
    search_space: AnyPath | None = None, competition: AnyPath = "mini", framework: str = "torch",
    trials: int | None = None, studies: int | None = None, seed: int | None = None,
    sandbox: SandboxLevel | None = None, practice: bool = False,
    data_dir: AnyPath | None = None, out: AnyPath | None = None, parallel: int = 1,
    resume: bool = False, resume_by: str = "resume=True",
) -> Path:
    """Play what is missing of it. Lasts as long as its trials.

    Args:
      submission: a folder with a search space, that reads its methods by `from_point`.
      design: "full", or "fractional" of a `resolution`, 4 or 5.
      search_space: a file; None for the submission's own.
      console: where to say how it goes. resume_by: what a person gives to continue.
      Others: as of `mlgolf.run`.
    Returns: the run folder.
    Raises: MLGolfError for anything that a person got wrong; RunFolderError if trials failed.
    """
    if design not in ("full", "fractional"):
        raise RulesError(f"design: found {design!r}, allowed are full and fractional")
    planned = chosen_design(methods, None if design == "full" else resolution)
    tell = partial(say, console)
    tell(
        f"{len(planned.levels)} combinations of {', '.join(planned.factors)}"
        + ("" if planned.is_full else f", a fraction of resolution {planned.resolution}")
    )
    space = None if search_space is None else Path(search_space)
    copies = variants(str(submission), framework, planned, space)
    data = default_data_dir() if data_dir is None else Path(data_dir)
    with copies as folders, settings_kept(framework):
        if not resume:
            played_on = load_competition(str(competition)).select([*workloads] or None)
            check_that_methods_act(
                str(submission), folders, planned, played_on, framework, [data.resolve()]
            )
        path, played = play_in_folder(
            [str(folder) for folder in folders], None if out is None else Path(out),
            partial(play, console=console, parallel=parallel, resume=resume_by),
            resume=resume, competition=str(competition), workloads=[*workloads], tell=tell,
            framework=framework, ruleset="external", trials=trials, studies=studies, seed=seed,
            sandbox=sandbox, practice=practice, parallel=parallel,
            data_dir=data,
        )
    if lacking := shortfall(played, resume_by, RunFolder(path)):
        raise RunFolderError(lacking)
    return path

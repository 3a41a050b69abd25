"""The model of a trial as files that can be shipped."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlgolf.api.live import shown_play
from mlgolf.api.playing import console_for, settings_kept
from mlgolf.data.layout import default_data_dir
from mlgolf.deployment.from_trial import Export, export_trial
from mlgolf.results.places import check_that_it_is_a_trial
from mlgolf.results.trial_folder import read_trial

if TYPE_CHECKING:
    from mlgolf.api.results import AnyPath


def exported(
    path: Path, folder: Path, *, competition: "AnyPath | None", data_dir: "AnyPath | None",
    examples: int, batch_size: int, tell: Callable[[str], None], progress: bool,
) -> Export:
    """As `deploy` says; see `export_trial`."""
    check_that_it_is_a_trial(path, "deploy")
    with settings_kept(read_trial(path).key.framework):
        return export_trial(
            path, folder, data_dir=default_data_dir() if data_dir is None else Path(data_dir),
            files=None if competition is None else Path(competition), examples=examples,
            batch_size=batch_size, play=shown_play(console_for(progress)), tell=tell,
        )

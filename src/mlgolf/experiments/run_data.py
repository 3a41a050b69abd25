"""Which data a run is played on: made with the published seed, drawn for this run, or published."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from mlgolf.core.competition import Competition
from mlgolf.core.errors import DataError
from mlgolf.core.records import DrawRecord
from mlgolf.core.workload import Workload
from mlgolf.data import held_out, layout
from mlgolf.results.bundles.fresh_draws import Drawn
from mlgolf.results.files import read_json, write_json
from mlgolf.results.run_folder import SHOWN, RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """The data of a run. `draw` is None for a run on what the published seed makes."""

    rows: Mapping[str, tuple[Workload, str]]  # row of the competition -> workload and size
    data_dir: Path  # resolved; what lies in it may be a link to elsewhere
    draw: int | None
    name: str  # the run's name for its draw; empty for practice
    is_known: bool  # whether a submission may know the draw already
    value: str = ""  # that the draw was derived from, to be shown with it

    def of(self, workload: str) -> "RunData":
        """The same for one of its workloads alone."""
        return replace(self, rows={workload: self.rows[workload]})

    @property
    def noise_key(self) -> str:
        """Of the run's secret, which is shown once it has ended; the same for all on practice."""
        text = "" if self.draw is None else f"weight noise {self.draw:x}"
        return text and sha256(text.encode()).hexdigest()

    def _is_drawn(self, row: str) -> bool:
        return self.draw is not None and bool(layout.drawn_splits(*self.rows[row]))

    def _drawn_rows(self) -> list[str]:
        return [row for row in self.rows if self._is_drawn(row)]

    def kind(
        self, workload: str, *, is_noisy: bool = False
    ) -> Literal["secret", "practice", "published"]:
        """What a board has to say of a trial's held-out data.

        Args: is_noisy: whether weights are disturbed, by noise that the draw determines, too.
        """
        if not layout.drawn_splits(*self.rows[workload]) and not is_noisy:
            return "published"
        return "practice" if self.draw is None or self.is_known else "secret"

    def folder(self, workload: str) -> Path:
        """The prepared data of a workload."""
        if self.draw is None or not self._is_drawn(workload):
            return layout.prepared_folder(*self.rows[workload], self.data_dir)
        return held_out.folder(*self.rows[workload], self.data_dir, self.draw)

    def ensure(self, tell: Callable[[str], None] = lambda _: None) -> dict[str, str]:
        """Fingerprints by workload. Makes what is missing and can be made. Raises: DataError."""
        fingerprints = {}
        for name, played in self.rows.items():
            fingerprints[name] = layout.ensure(*played, self.data_dir, tell, called=name)
            if self.draw is not None and self._is_drawn(name):
                fingerprints[name] = held_out.ensure(
                    *played, self.data_dir, self.draw, tell, called=name
                )
        return fingerprints

    def record(self) -> DrawRecord:
        """What run.json keeps of it. The draw itself is not told before the run has ended."""
        of_draw = "" if self.draw is None else held_out.digest(self.draw)
        return DrawRecord(run=self.name, is_known=self.is_known, sha256=of_draw)

    def show(self, run: RunFolder) -> None:
        """Write the draw into the ledger of a run that has ended; its data are no longer needed."""
        if self.draw is None:
            return
        held_out.mark_as_shown(self.data_dir, self.draw)  # before anybody can read it
        value = {"value": self.value} if self.value else {}
        write_json(run.path / SHOWN, {"draw": f"{self.draw:x}", **value})
        for name in self._drawn_rows():
            held_out.plans_ended(*self.rows[name], self.data_dir, self.draw, run.path)
        self.discard()

    def keep_for_plans(self, run: RunFolder) -> None:
        """Until it is shown: plans of the run may be played whenever somebody likes."""
        if self.draw is not None:
            for name in self._drawn_rows():
                held_out.keep_for_plans(*self.rows[name], self.data_dir, self.draw, run.path)

    def made(self) -> frozenset[str]:
        """The rows whose drawn data lie there."""
        return frozenset(name for name in self._drawn_rows() if self.folder(name).exists())

    def discard(self, but: Collection[str] = ()) -> None:
        """Remove what was drawn, `but` that of some rows. It can be made again from the draw."""
        if self.draw is not None:
            for name in self.rows.keys() - but:
                held_out.remove(*self.rows[name], self.data_dir, self.draw)


def new_data(
    competition: Competition, data_dir: Path, *, seed: int | None, practice: bool,
    fresh: Drawn | None = None,
) -> RunData:
    """For a new run. Runs of one chosen seed share a draw, which only the first keeps secret.

    Args: fresh: what was drawn from code and a value; None: by the key of this machine.
    """
    name = f"seed {seed}" if seed is not None else secrets.token_hex(16)
    data_dir = data_dir.resolve()
    draw = None if practice else fresh.draw if fresh else held_out.draw_of(data_dir, name)
    return RunData(
        rows=_rows(competition), data_dir=data_dir, draw=draw, name="" if practice else name,
        is_known=draw is None or held_out.is_shown(data_dir, draw),
        value=fresh.value if fresh else "",
    )


def recorded_data(
    run: RunFolder, data_dir: Path, files: Path | None = None, fresh: Drawn | None = None
) -> RunData:
    """Those of a run that was begun.

    Args:
      files: the folder of its competition, where data that are drawn anew need its files.
      fresh: as of `new_data`, for a run that has not shown its draw.
    Raises: DataError if its draw is not to be had here.
    """
    recorded, data_dir = _draw_of(run), data_dir.resolve()
    competition = run.competition.with_files_in(files)
    return RunData(
        rows=_rows(competition), data_dir=data_dir,
        draw=_recorded_draw(run, data_dir, fresh) if recorded.run else None,
        name=recorded.run, is_known=recorded.is_known, value=_shown_value(run, fresh),
    )


def _rows(competition: Competition) -> dict[str, tuple[Workload, str]]:
    return {
        name: (competition.workload_of(name), competition.played_as(name)[1])
        for name in competition.workloads
    }


def run_has_ended(run: RunFolder) -> bool:
    """Whether the draw of its held-out data has been shown."""
    return (run.path / SHOWN).exists()


def _draw_of(run: RunFolder) -> DrawRecord:
    """Raises: DataError for a run that was imported."""
    if run.record.held_out is None:
        raise DataError(f"{run.path} was imported: it has no data that a trial could be played on.")
    return run.record.held_out


def _shown_value(run: RunFolder, fresh: Drawn | None) -> str:
    if run_has_ended(run):
        return str(read_json(run.path / SHOWN).get("value", ""))
    return fresh.value if fresh else ""


def _recorded_draw(run: RunFolder, data_dir: Path, fresh: Drawn | None) -> int:
    shown = run.path / SHOWN
    if shown.exists():
        return int(read_json(shown)["draw"], 16)
    recorded = _draw_of(run)
    if fresh is not None and held_out.digest(fresh.draw) == recorded.sha256:
        return fresh.draw
    if run.record.fresh is not None:
        raise DataError(
            f"{run.path}: its held-out data were drawn from all code and the value that line "
            f"{run.record.fresh.line} of its host's ledger commits to. Until the run has ended "
            "only its host has both: continue it with --ledger, and the same code"
        )
    if held_out.has_key(data_dir):
        draw = held_out.draw_of(data_dir, recorded.run)
        if held_out.digest(draw) == recorded.sha256:
            return draw
    raise DataError(
        f"{run.path}: its held-out data were drawn on another machine, or for another data "
        f"folder than {data_dir}. They can be made again once the run has ended: {SHOWN} in "
        "its folder tells the draw then."
    )

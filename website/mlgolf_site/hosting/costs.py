"""Which training examples cost most to fit, by the models that a run kept."""

import shutil
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage

from mlgolf.core.errors import RunFolderError
from mlgolf.results.bundles.reading import ENDING, sound_run
from mlgolf_site.entries.models import Run
from mlgolf_site.hosting.checking import run_json

SECONDS = 180
SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of one workload."""

    workload: str
    models: int
    examples: int
    costliest: list[dict[str, Any]]  # with `row`, `line` and `loss`


def costs_of(run: Run) -> list[Costs]:
    """As `mlgolf game costliest` says it. Raises: RunFolderError, RulesError, BundleError."""
    if not run.bundle_sha256:
        raise RunFolderError(f"{run} has no bundle yet")
    _lay_out(run)
    version = run.entry.board.version
    found = run_json(
        ["game", "costliest", str(run.folder), "--competition", str(version.folder)],
        run.folder.parent, SECONDS,
    )
    return [
        Costs(workload=one["workload"], models=one["models"], examples=len(one["examples"]),
              costliest=one["examples"][:SHOWN])
        for one in found["workloads"]
    ]  # fmt: skip


def _lay_out(run: Run) -> None:
    """Run folders are a cache: one that is gone is unpacked again."""
    if (run.folder / "run.json").is_file():
        return
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    local = run.folder.with_name(f"{run.folder_name}{ENDING}")
    with default_storage.open(run.bundle, "rb") as stored, open(local, "wb") as copy:
        shutil.copyfileobj(stored, copy)
    try:
        with sound_run(local) as (_, folder):
            shutil.rmtree(run.folder, ignore_errors=True)
            shutil.copytree(folder, run.folder)
    finally:
        local.unlink(missing_ok=True)

"""Looking the code of submissions over, without running any of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import MLGolfError, RulesError, SubmissionError
from mlgolf.core.records import Disclosure
from mlgolf.core.registry import load_workload, workload_names
from mlgolf.core.workload import Workload
from mlgolf.referee.freeze import Source, find_submission, fingerprint, frozen_files
from mlgolf.report.triage import looked_at_lines
from mlgolf.results.run_folder import FILE, RunFolder
from mlgolf.results.trial_folder import read_verdict
from mlgolf.triage.looked_at import NO_VERDICT, LookedAt
from mlgolf.triage.mentions import Names
from mlgolf.triage.reading import triage_files

AnyPath = str | PathLike[str]
_OF_TESTS = "mlgolf.testing"  # workloads there are named by plain words, which all code uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the code of one or more submissions says. Facts with their lines, never a verdict."""

    submissions: tuple[LookedAt, ...]

    @property
    def paragraphs(self) -> list[str]:
        """As `mlgolf triage` prints them."""
        return [NO_VERDICT, *(
            "\n".join([f"{one.name} ({one.place}), SHA-256 {one.sha256}", *looked_at_lines(one)])
            for one in self.submissions
        )]  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return {"submissions": [one.as_json() for one in self.submissions]}

    def __repr__(self) -> str:
        return "\n\n".join(self.paragraphs)


@disk_errors_told()
def triage_code(submission: AnyPath) -> Looked:
    """Read the code of a submission or an entry, or of all in a run, and run none of it.

    Args: submission: the name of an installed algorithm, a folder, a module, or a run's folder.
    Returns: what a host may want to look at: imports, large literals, uses of clocks, files,
      network, processes and the like, with lines. It prints itself; `.as_json()` has it as data.
    Raises: UnknownName, SubmissionError or RunFolderError for what is no such thing.
    """
    path = Path(submission)
    if (path / FILE).is_file():
        return Looked(submissions=tuple(look_over_run(RunFolder(path))))
    source = _found(str(submission))
    disclosure, problem = _disclosed(source)
    looked = _look_over(
        source.name, source, str(source.file.parent), shipped_names(), problem, disclosure
    )
    return Looked(submissions=(looked,))


def _disclosed(source: Source) -> tuple[Disclosure | None, str]:
    """What stands beside a submission, or what is wrong with it: its code is looked over anyway."""
    try:
        return source.disclosure, ""
    except (RulesError, SubmissionError) as error:
        return None, str(error)


def look_over_run(run: RunFolder) -> Iterator[LookedAt]:
    """Each submission of a run, by its frozen code; one that was imported has none.

    What is no longer as it was hashed is said, and looked over all the same.
    """
    names = _with_rows_of(run.competition, shipped_names())
    for name, record in run.record.submissions.items():
        if record.imported or not record.module:
            continue
        source = Source(name=name, file=run.module_path(name))
        problem = ""
        if not source.file.is_file():
            problem = f"{record.module} is not there: the frozen code is not complete."
        elif record.sha256 and fingerprint(source) != record.sha256:
            problem = (
                "The frozen code is not the code that was hashed when the run was begun "
                f"({record.sha256}): somebody changed it since."
            )
        looked = _look_over(
            name, source, str(run.code_path(name)), names, problem, record.disclosure
        )
        touched, trials = _touched(run, name)
        yield replace(looked, touched=touched, trials=trials)


def _touched(run: RunFolder, submission: str) -> tuple[dict[str, int], int]:
    """What trials of a submission told of its look-ups, and how many told it.

    Raises: RunFolderError for a verdict that cannot be read.
    """
    counts: Counter[str] = Counter()
    trials = 0
    for folder in run.trial_folders():
        if folder.relative_to(run.path).parts[0] != submission:
            continue
        verdict = read_verdict(folder)
        if verdict is not None and verdict.touched:
            counts.update(verdict.touched)
            trials += 1
    return dict(counts), trials


def _found(text: str) -> Source:
    """In either framework: all files of a folder are frozen, whichever is played."""
    try:
        return find_submission(text, "torch")
    except SubmissionError as error:
        try:
            return find_submission(text, "jax")
        except SubmissionError:
            raise error from None


def _look_over(
    name: str, source: Source, place: str, names: Names, problem: str,
    disclosure: Disclosure | None,
) -> LookedAt:
    there = source.file.is_file()
    return LookedAt(
        name=name, sha256=fingerprint(source) if there else "", place=place, problem=problem,
        disclosure=disclosure,
        triage=triage_files(frozen_files(source) if there or source.is_folder else {}, names),
    )


def shipped_names() -> Names:
    """Workloads and data sets of all competitions that ship, and of installed packages."""
    shipped = [load_competition(name) for name in competition_names()]
    played = {
        competition.played_as(row)[0] for competition in shipped
        for row, numbers in competition.workloads.items() if not numbers.definition
    }
    installed = [*_installed()]
    return Names(
        workloads=tuple(sorted({*played, *(name for name, _ in installed)})),
        datasets=tuple(sorted({workload.dataset for _, workload in installed})),
    )


def _installed() -> Iterator[tuple[str, Workload]]:
    """Those with data of their own; one that cannot be loaded is not named."""
    for name in workload_names():
        try:
            workload = load_workload(name)
        except MLGolfError:
            continue
        if workload.sizes and not workload.package.startswith(_OF_TESTS):
            yield name, workload


def _with_rows_of(competition: Competition, names: Names) -> Names:
    """With the workloads that a competition declares itself."""
    own = {row for row, numbers in competition.workloads.items() if numbers.definition}
    return Names(workloads=tuple(sorted({*names.workloads, *own})), datasets=names.datasets)

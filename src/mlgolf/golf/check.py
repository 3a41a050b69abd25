"""All that is wrong with a game, at once: its files, its rules, and what trying it shows.

A fault hides as little as it can: what cannot be looked at because of it is listed as skipped.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.competition import Competition
from mlgolf.core.errors import DataError, MLGolfError, SandboxError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.trial import Trial
from mlgolf.core.workload import Size, Workload
from mlgolf.experiments.run_data import RunData, new_data
from mlgolf.golf import baseline, contradictions, static_checks, vacuous
from mlgolf.golf.findings import Checked, Finding, Said, Skipped, gathered
from mlgolf.golf.free_shrinking import free_shrinking
from mlgolf.golf.game_files import GameFiles, game_files
from mlgolf.golf.least_loss import FORMS, least_loss
from mlgolf.golf.place import Place
from mlgolf.golf.source_rows import source_rows
from mlgolf.golf.trying import Trying
from mlgolf.referee.evaluate import Evaluator
from mlgolf.workloads.graph.graph import Graph

Tell = Callable[[str], None]
_WHY_NOT = {False: "as --no-play asks", True: "as a metric is not measured"}
_IN_A_LINE = re.compile(r"(?P<file>.+?), line (?P<line>\d+)\b")


def check_game(
    name: str, data_dir: Path, *, play: bool = True, today: date | None = None,
    tell: Tell = lambda _: None,
) -> Checked:
    """Everything that is wrong with a competition, with file and line.

    Args:
      name: of one that ships, or the path of its folder or file.
      data_dir: where its data lie; they are made if they are missing.
      play: whether to play the baseline once, which takes as long as it trains.
      today: in UTC; None for the day that it is.
      tell: hears a sentence before each step that lasts.
    Raises: UnknownName if there is no such game. What is wrong with it is a finding.
    """
    files = game_files(name)
    return gathered(name, _said(files, data_dir, play, today or datetime.now(UTC).date(), tell))


def _said(
    files: GameFiles, data_dir: Path, play: bool, today: date, tell: Tell
) -> Iterator[Said]:
    first = [*static_checks.file_checks(files, today), *baseline.presence(files)]
    yield from first
    competition = static_checks.loaded(files)
    if competition is None:
        yield from _unreadable_data(files, data_dir, tell)
        yield Skipped("rules, models and baseline: the files above cannot be read as rules")
        return
    unplayable = [*_unplayable(files, competition)]
    yield from (fault for fault in unplayable if fault not in first)
    broken = [*contradictions.faults_of_the_measure(files, competition)]
    if broken:
        yield from broken
        yield Skipped("all that is measured of models: the regulariser cannot be run")
        return
    yield from contradictions.rule_checks(files, competition)
    if unplayable or not static_checks.has_its_examples(files):
        yield Skipped("bounds, scale, constants and baseline: data or network are not as declared")
        return
    framework = baseline.installed_framework(files)
    if framework is None:
        yield Skipped("all that needs a framework: install one that the baseline is for")
        return
    with load_backend(framework).settings_kept():
        yield from _tried(files, competition, framework, data_dir, play, tell)


def _unreadable_data(files: GameFiles, data_dir: Path, tell: Tell) -> Iterator[Finding]:
    """What is wrong with the examples, where rules do not say how they are scored."""
    size = str((files.table(files.rules) or {}).get("size"))
    if not static_checks.has_its_examples(files):
        return  # said with the files
    declared = {name: (of, size) for name, of in static_checks.declared_workloads(files)}
    data = RunData(rows=declared, data_dir=data_dir.resolve(), draw=None, name="", is_known=True)
    for name in declared:
        yield from _made(files, data, name, tell)


def _unplayable(files: GameFiles, competition: Competition) -> Iterator[Finding]:
    """Hardware and workloads that there are not. Faults of a definition are said with its files."""
    yield from static_checks.unknown_hardware(files)
    yield from static_checks.faults_of_definitions(files)
    for name, row in competition.workloads.items():
        try:
            if row.definition is None:
                competition.workload_of(name).size(competition.played_as(name)[1])
        except MLGolfError as error:
            where = ("workloads", name)
            yield files.finding(files.rules, where, f"{'.'.join(where)}: {error}")


def _tried(
    files: GameFiles, competition: Competition, framework: str, data_dir: Path, play: bool,
    tell: Tell,
) -> Iterator[Said]:
    """What needs the data: the baseline's trial, then each workload."""
    data = new_data(competition, data_dir, seed=None, practice=True)
    faults = [fault for name in competition.workloads for fault in _made(files, data, name, tell)]
    if faults:
        yield from faults
        yield Skipped("bounds, scale, constants and baseline: the data are not at hand")
        return
    tried = {name: _trying(competition, name, framework, data) for name in competition.workloads}
    unknown = [*_unknown_metrics(files, competition, tried)]
    yield from unknown
    trials: Mapping[str, Trial] = {}
    if not play or unknown:
        yield Skipped(f"baseline: not played, {_WHY_NOT[bool(unknown)]}")
    elif baseline.frameworks(files):
        tell("playing the baseline once")
        try:
            trials = baseline.played(files, competition, framework, data_dir)
        except SandboxError as error:
            yield Skipped(f"baseline: {error}")
        except MLGolfError as error:
            yield Finding(baseline.PLACE, None, str(error))
    for name, trial in trials.items():
        yield baseline.verdict(trial, competition.rules, competition.workloads[name])
    for name, trying in tried.items():
        tell(f"trying models of {name}")
        yield from _of_workload(files, competition, name, data, trying, trials.get(name))


def _trying(
    competition: Competition, name: str, framework: str, data: RunData
) -> Trying | None:
    """None for a workload without a graph, whose models are not tried."""
    workload, size = _played(competition, name)
    if not isinstance(size.model, Graph):
        return None
    threads = load_hardware(competition.rules.hardware).threads
    evaluator = Evaluator(workload, size, framework, data.folder(name), threads)
    return Trying(evaluator, competition.rules, competition.workloads[name])


def _played(competition: Competition, name: str) -> tuple[Workload, Size]:
    workload = competition.workload_of(name)
    return workload, workload.size(competition.played_as(name)[1])


def _unknown_metrics(
    files: GameFiles, competition: Competition, tried: Mapping[str, Trying | None]
) -> Iterator[Finding]:
    for name, trying in tried.items():
        metric = competition.workloads[name].metric
        if trying and metric not in trying.metric_names:
            yield Place(files, name, competition.rules).of_row(
                ("metric",), f"found {metric!r}; the workload measures "
                f"{', '.join(trying.metric_names)}"
            )  # fmt: skip


def _made(files: GameFiles, data: RunData, name: str, tell: Tell) -> Iterator[Finding]:
    """Why the data of a workload cannot be had."""
    try:
        data.of(name).ensure(tell)
    except DataError as error:
        place = _IN_A_LINE.match(str(error))
        if place and (files.folder / Path(place["file"]).name).exists():
            yield Finding(Path(place["file"]).name, int(place["line"]), str(error))
            return
        definition = dict(files.definitions()).get(name, {})
        file = files.named(definition).get("data", files.rules)
        yield Finding(file, None, f"workloads.{name}: {error}")


def _of_workload(
    files: GameFiles, competition: Competition, name: str, data: RunData, trying: Trying | None,
    trial: Trial | None,
) -> Iterator[Said]:
    rules, row = competition.rules, competition.workloads[name]
    workload, size = _played(competition, name)
    place, graph = Place(files, name, rules), size.model if trying else None
    if trying:
        yield from vacuous.idle_bounds(place, trying)
    examples = _training_examples(workload, size, data.folder(name))
    form = FORMS.get(workload.loss_type)
    if examples is None or form is None:
        yield Skipped(f"duplicates and constants of {name}: not known for its loss and inputs")
        return
    inputs, targets = examples
    rows = source_rows(data.folder(name) / "train", len(targets))
    yield from vacuous.reachable_bounds(place, rules, row, least_loss(inputs, targets, form), rows)
    rivals = {} if row.par is None else {"par": row.par.value}
    result = baseline.qualified(trial, rules, row) if trial else None
    if result and result.value is not None:
        rivals["the baseline"] = result.value
    yield from vacuous.constants(place, rules, row, targets, form, trying, graph, rivals)
    if trying and graph:
        yield from free_shrinking(place, trying, graph, inputs)


def _training_examples(
    workload: Workload, size: Size, folder: Path
) -> tuple[NDArray, NDArray] | None:
    """(inputs, targets) of all of them; None where they are no plain arrays, or padded."""
    batches = list(workload.data().open_split(folder / "train", size, "eval_train").eval_batches())
    if any("weights" in b or not isinstance(b["inputs"], np.ndarray) for b in batches):
        return None
    inputs, targets = (np.concatenate([b[part] for b in batches]) for part in ("inputs", "targets"))
    return inputs, targets

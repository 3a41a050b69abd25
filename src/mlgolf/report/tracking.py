"""Lists of runs and trials, one of them in full, and several side by side, in words."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlgolf.analysis.tracking.comparison import Compared, RunComparison
from mlgolf.analysis.tracking.filters import ORDERS
from mlgolf.analysis.tracking.rows import BROKEN, OBJECTIVE, RunRow, TrialRow
from mlgolf.core.quantities import quantities, quantity
from mlgolf.core.text import enumerated, number_of, quoted, significant
from mlgolf.report.words import hardware_in_words, question, valued

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # title, heads, rows

NONE = "–"
MOST_NAMES = 3  # of submissions or workloads in a cell
MOST_PROBLEMS = 10
MOST_DIFFERENCES = 30
MOST_EVALUATIONS = 12
SPARE = ("reached", "workloads", "seconds")  # columns that a narrow terminal does without


def run_table(rows: Sequence[RunRow], by: str | None) -> Table:
    """One row per run, without the folder that all are in. by: what they are sorted by."""
    shared = _shared_folder([row.path for row in rows])
    extra = _sorted_by(by)
    heads = [
        "run", "begun", "competition", "submissions", "workloads", "trials", "reached", "state",
        *(_head(name) for name in extra),
    ]
    cells = [
        [
            row.path.removeprefix(shared), _day(row.begun), row.competition or NONE,
            _some(row.submissions), _some(row.workloads), _trials(row), _reached(row), row.state,
            *(_value(row.value(name), name) for name in extra),
        ]
        for row in rows
    ]
    return _counted(rows, "run", shared), heads, cells


def _counted(rows: Sequence[RunRow] | Sequence[TrialRow], noun: str, folder: str) -> str:
    return number_of(len(rows), noun) + (f" in {folder}" if folder else "")


def _shared_folder(paths: Sequence[str]) -> str:
    """With its last slash; empty if there is none."""
    folders = {path.rpartition("/")[0] for path in paths}
    common = os.path.commonpath(folders) if len(folders) > 0 and all(folders) else ""
    return f"{common}/" if common and common != "/" else ""


def trial_table(rows: Sequence[TrialRow], by: str | None) -> Table:
    """One row per trial, without the folder that all are in."""
    shared = _shared_folder([row.run for row in rows])
    if len({row.run for row in rows}) == 1:
        shared = f"{rows[0].run}/"
    shown = (OBJECTIVE, "time", "validation_metric")  # anyway
    extra = [name for name in _sorted_by(by) if name not in shown]
    heads = [
        "trial", "status", "objective", "best validation", "seconds", *map(_head, extra),
        "hyperparameters",
    ]
    cells = [
        [
            row.trial.removeprefix(shared), row.status,
            _objective(row), _metric(row), _value(row.values.get("time"), "time"),
            *(_value(row.values.get(name), name) for name in extra),
            _point(row.hyperparameters),
        ]
        for row in rows
    ]
    return _counted(rows, "trial", shared), heads, cells


def problem_lines(rows: Iterable[RunRow]) -> Iterator[str]:
    """What could not be read, a sentence each, and how many more there are."""
    found = [
        problem if row.path in problem else f"{row.path}: {problem}"
        for row in rows for problem in row.problems
    ]
    yield from found[:MOST_PROBLEMS]
    if len(found) > MOST_PROBLEMS:
        yield f"… and {len(found) - MOST_PROBLEMS} more: see --json"


def mixed_lines(rows: Sequence[TrialRow], by: str | None) -> Iterator[str]:
    """A sentence where what trials are sorted by is not one thing."""
    if by is None or by in ORDERS:
        return
    of_metric = by != OBJECTIVE and quantity(by).goal is None
    known = [row for row in rows if by in row.values]
    kinds = sorted({f"{row.metric} of {row.workload}" if of_metric else row.measures
                    for row in known})
    if (of_metric or by == OBJECTIVE) and len(kinds) > 1:
        yield (
            f"{by} is not one quantity here: {enumerated(kinds)}. Choose one by --workload or "
            "--competition"
        )


def _sorted_by(by: str | None) -> list[str]:
    return [] if by is None or by in ORDERS else [by]


def _head(name: str) -> str:
    unit = "" if name == OBJECTIVE else quantity(name).unit
    return name if unit in ("", "1") else f"{name}, {unit}"


def _value(value: float | None, name: str) -> str:
    if value is None:
        return NONE
    declared = quantities().get(name)
    return declared.number(value) if declared else significant(value, 4)


def _metric(row: TrialRow) -> str:
    best = row.values.get("validation_metric")
    return NONE if best is None else f"{row.metric} {_value(best, 'validation_metric')}"


def _objective(row: TrialRow) -> str:
    """With its unit and its name: rows of several competitions count different things."""
    if not row.measures:
        return NONE
    if OBJECTIVE not in row.values:
        return f"{row.measures} not reached"
    value = valued(row.measures, row.values[OBJECTIVE], quantity(row.measures).unit)
    return f"{row.measures} {value}"


def _trials(row: RunRow) -> str:
    if row.found.folder is None:
        return NONE
    broken = sum(trial.status == BROKEN for trial in row.trials)
    ended = sum(trial.has_ended for trial in row.trials)
    of = f" of {row.found.expected}" if row.found.expected is not None else ""
    return f"{ended}{of}" + (f", {broken} broken" if broken else "")


def _reached(row: RunRow) -> str:
    return str(sum(trial.reached for trial in row.trials)) if row.trials else NONE


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown}, {more} more" if more > 0 else shown or NONE


def _day(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d") if moment else NONE


def _point(hyperparameters: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{name} {_short(value)}" for name, value in hyperparameters.items())
    return shown or NONE


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def run_facts(entry: Compared) -> Table:
    """What a run is, and what it was played with."""
    folder = entry.run.folder
    assert folder is not None
    record, competition = folder.record, folder.competition
    rules = competition.rules
    scored = [competition.workloads[name] for name in competition.scored_workloads]
    facts = {
        "competition": f"{competition.with_round(competition.name)}: {competition.title}",
        "task": question(rules, scored),
        "workloads": ", ".join(competition.workloads),
        "tuning": f"{record.ruleset}, {number_of(record.studies, 'study')} of "
        f"{number_of(record.trials, 'trial')}{_searched_at(competition.tuned_at)}",
        "hardware": hardware_in_words(record.hardware) if record.hardware else rules.hardware,
        **{
            f"submission {name}": ", ".join(filter(None, [
                asked.framework or "", asked.module, _hash(asked.sha256),
                "imported" if asked.imported else "",
            ]))
            for name, asked in record.submissions.items()
        },
        "begun": record.begun.isoformat(" ", "seconds") if record.begun else "not recorded",
        "state": _state(entry.row),
        "seed": NONE if record.seed is None else str(record.seed),
        "sandbox": record.sandbox,
        "unofficial": record.unofficial or "; ".join(entry.row.unofficial),
        **_machine_facts(entry),
    }  # fmt: skip
    rows = [[name, value] for name, value in facts.items() if value]
    return f"Run {entry.name}", ["what", "value"], rows


def _searched_at(rows: Sequence[str]) -> str:
    return f" at {enumerated(rows)}, of which one goes to other budgets" if rows else ""


def trial_facts(entry: Compared) -> Table:
    """What a trial is, how it ended and what it was played with."""
    (row,), found = entry.row.trials, entry.trials
    trial = found[0] if found else None
    facts = {
        "competition": row.competition, "submission": row.submission, "workload": row.workload,
        "framework": row.framework, "study and trial": f"{row.study} and {row.number}",
        "status": row.status, "reason": row.reason, "unofficial": row.unofficial,
        "disturbed": row.disturbed,
        "objective": _objective(row), "seed": NONE if row.seed is None else str(row.seed),
        "hyperparameters": _point(row.hyperparameters),
    }
    if trial is not None:
        facts |= {
            "code": _hash(trial.facts.submission_sha256),
            "data": ", ".join(filter(None, [trial.facts.held_out, _hash(trial.facts.data_sha256)])),
            "hardware class": trial.facts.hardware.name if trial.facts.hardware else "",
            "clock": _clock(trial.verdict.clock if trial.verdict else {}),
            **_machine_facts(entry),
        }
    return f"Trial {entry.name}", ["what", "value"], [[n, v] for n, v in facts.items() if v]


def _hash(text: str) -> str:
    return f"SHA-256 {text[:12]}…" if text else ""


def _state(row: RunRow) -> str:
    expected = row.found.expected
    of = "" if expected is None else f": {row.ended} of {expected} trials have ended"
    return f"{row.state}{of}"


def _clock(recorded: Mapping[str, Any]) -> str:
    counted = recorded.get("energy", {}).get("counters", [])
    meters = f"; joules by {enumerated(counted)}" if counted else ""
    return f"{recorded['rule']}{meters}" if "rule" in recorded else ""


def _machine_facts(entry: Compared) -> dict[str, str]:
    """What all trials say, or each of what they say."""
    trials = entry.trials
    verdicts = [trial.verdict for trial in trials if trial.verdict]
    versions = Counter(
        f"{name} {version}" for verdict in verdicts for name, version in verdict.versions.items()
    )
    known = {trial.facts.mlgolf_version for trial in trials if trial.facts.mlgolf_version}
    return {
        "machine": "; ".join(dict.fromkeys(_machine(t.facts.machine) for t in trials)),
        "speed": ", ".join(dict.fromkeys(
            f"{trial.speed:.2f} times the reference machine"
            for trial in trials if trial.facts.calibration
        )),
        "energy": "; ".join(dict.fromkeys(str(t.facts.machine.get("energy", "")) for t in trials)),
        "versions": ", ".join([*(f"mlgolf {version}" for version in sorted(known)), *versions]),
    }  # fmt: skip


def _machine(recorded: Mapping[str, Any]) -> str:
    memory = recorded.get("memory_bytes")
    return ", ".join(filter(None, [
        str(recorded.get("processor", "")),
        number_of(recorded["cores"], "core") if "cores" in recorded else "",
        f"{memory / 1e9:.3g} GB" if memory else "",
        f"Linux {recorded['kernel']}" if "kernel" in recorded else "",
    ]))  # fmt: skip


def evaluation_table(entry: Compared) -> Table | None:
    """The evaluations of a trial, the first and the last of many."""
    if not entry.trials or not len(entry.trials[0].steps):
        return None
    trial = entry.trials[0]
    names = sorted(trial.metrics, key=lambda name: (not name.startswith("validation"), name))
    heads = ["step", "seconds", *(["joules"] if trial.joules is not None else []), *names]
    count, half = len(trial.steps), MOST_EVALUATIONS // 2
    some = [at for at in range(count) if at < half or at >= count - half]
    columns = [trial.seconds, *([trial.joules] if trial.joules is not None else [])]
    columns += [trial.metrics[name] for name in names]
    rows = [
        [str(trial.steps[at]), *(_number(float(column[at])) for column in columns)] for at in some
    ]
    left = count - len(rows)
    return f"{number_of(count, 'evaluation')}{f', {left} left out' * bool(left)}", heads, rows


def _number(value: float) -> str:
    return NONE if value != value else significant(value, 4)


def what_next(entry: Compared) -> dict[str, str]:
    """Commands for a run or a trial: resume, score, report, replay."""
    run, row = entry.run, entry.row
    assert run.folder is not None
    ended = [trial for trial in row.trials if trial.values]
    commands = {}
    if row.state == "unfinished" and not entry.is_trial:
        commands["resume"] = (
            f"the command that began it, with --resume --out {quoted(run.path)}"
        )
    if ended:
        commands["score"] = f"mlgolf score {quoted(run.path)}"
        commands["report"] = f"mlgolf report {quoted(run.path)}"
        if run.folder.was_played:
            commands["replay"] = f"mlgolf replay {quoted(ended[0].trial)}"
    return commands


def result_tables(found: RunComparison) -> Iterator[Table]:
    """What differs, then results side by side."""
    heads = ["key", *_letters(found)]
    shown = found.differences[:MOST_DIFFERENCES]
    more = len(found.differences) - len(shown)
    title = "What differs" + (f", {more} more with --json" if more else "")
    yield title, heads, [[one.key, *one.values] for one in shown]
    rows = []
    for row in found.results:
        where = [row.submission, f"{row.workload} ({row.framework})"]
        lines = [
            (f"{row.quantity}, median over studies", row.values, row.quantity),
            (f"best validation {row.metric}", row.best, "validation_metric"),
            ("seconds in all", row.seconds, "time"),
        ]
        rows += [
            [*where, what, *(_value(value, name) for value in values)]
            for what, values, name in lines
        ]
        counts = zip(row.reached, row.trials, strict=True)
        said = [f"{reached} of {trials}" if trials else NONE for reached, trials in counts]
        rows.append([*where, "trials that reached it", *said])
    yield "Results", ["submission", "workload", "result", *_letters(found)], rows


def _letters(found: RunComparison) -> list[str]:
    return [chr(ord("A") + at) if at < 26 else str(at + 1) for at in range(len(found.names))]


def verdict_lines(found: RunComparison) -> Iterator[str]:
    """Whether they can be compared, then which letter is which."""
    for why in found.why_not:
        yield f"not comparable: {why}"
    if found.comparable:
        yield (
            "comparable: same rules and workloads. Differences are not tested here: mlgolf score "
            "with all of the runs gives intervals"
        )
    for letter, name in zip(_letters(found), found.names, strict=True):
        yield f"{letter} is {name}"

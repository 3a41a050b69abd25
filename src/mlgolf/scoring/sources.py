"""What the scoring commands are given: runs, bundles of them, AlgoPerf's logs, or a table."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import polars as pl

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.jury_ruling import rulings_of
from mlgolf.core.records import Disclosure
from mlgolf.core.rules import Ruleset, Tuning
from mlgolf.core.text import enumerated, quoted
from mlgolf.core.trial import Trial
from mlgolf.results.algoperf_ledger import open_logs, read_logs
from mlgolf.results.bundles.reading import is_bundle, sound_run
from mlgolf.results.curve_table import read_curve_table
from mlgolf.results.places import run_above, runs_below, trials_in, what_lies_at
from mlgolf.results.run_folder import Played, read_runs
from mlgolf.results.run_names import last_written
from mlgolf.results.trial_table import read_trial_table
from mlgolf.scoring.admission import Admission, admit
from mlgolf.scoring.jury import Judged, judged, judged_names
from mlgolf.scoring.labels import disclosed_in_words
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.published import admit_table

TABLES = (".csv", ".parquet")  # one row per trial, one row per evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Trials and the rules to score them by."""

    competition: Competition
    ruleset: Ruleset
    framework: str | None
    submissions: tuple[str, ...] | None  # None: everybody
    trials: tuple[Trial, ...] = ()
    names: tuple[str, ...] = ()  # of runs, their submissions in the order of the command
    table: pl.DataFrame | None = None  # of times to targets, if that is all there is
    problems: tuple[str, ...] = ()  # what could not be read, a sentence each
    path: Path | None = None  # of a table, whichever its kind
    disclosures: Mapping[str, Disclosure] = field(default_factory=dict)  # by submissions
    # What rulings of a jury say: trials and table are without what is disqualified.
    jury: Judged = field(default_factory=lambda: Judged(trials=()))

    def admitted(self, competition: Competition, *, official_first: bool = True) -> Admission:
        """The trials that a competition's rules admit, and what was left out; see `admit`."""
        names, table, trials = self._chosen, self.table, self.trials
        if table is not None:
            if names is not None:
                board = (pl.col("version") == competition.published_as) & (
                    pl.col("ruleset") == self.ruleset
                )
                _check_known("submission", names, table.filter(board)["submission"].unique())
                table = table.filter(pl.col("submission").is_in(names))
            return self._ruled(admit_table(competition, table, self.ruleset))
        if self.framework is not None:
            _check_known("framework", [self.framework], {t.key.framework for t in trials})
        if names is not None:
            _check_known("submission", names, {trial.key.submission for trial in trials})
            trials = tuple(trial for trial in trials if trial.key.submission in names)
        found = admit(
            competition, trials, self.ruleset, self.framework, official_first=official_first
        )
        said = (
            disclosed_in_words(name, self.disclosures[name]).removesuffix(".")
            for name in found.pool.submissions if name in self.disclosures
        )
        return self._ruled(replace(found, notes=(*found.notes, *said)))

    @property
    def _chosen(self) -> tuple[str, ...] | None:
        """The submissions that were asked for and are not disqualified."""
        if self.submissions is None:
            return None
        return tuple(name for name in self.submissions if name not in self.jury.excluded)

    def _ruled(self, found: Admission) -> Admission:
        return replace(found, tombstones=self.jury.tombstones, rulings=self.jury.rulings)

    def as_played(self) -> Competition:
        """Its rules with as many trials and studies as were played, so that fewer are missed."""
        if not self.trials:
            return self.competition
        tuning = self.competition.rules.tuning
        keys = [trial.key for trial in self.trials]
        most = {"studies": max(key.study for key in keys) + 1}
        if self.ruleset == "external":
            most["trials"] = max(key.trial for key in keys)
        of_run = {
            **tuning.model_dump(by_alias=True),
            self.ruleset: {**tuning.under(self.ruleset).model_dump(), **most},
        }
        return self.competition.model_copy(update={
            "rules": self.competition.rules.model_copy(
                update={"tuning": Tuning.model_validate(of_run)}
            )
        })

    @property
    def has_evaluations(self) -> bool:
        return self.table is None

    def shown(self, board: Leaderboard) -> tuple[Trial, ...]:
        """The trials of those on a board, also what does not count."""
        names = {entry.submission for entry in board.entries}
        return tuple(
            trial for trial in self.trials
            if trial.key.submission in names and board.framework in (trial.key.framework, None)
        )

    def evaluations(self, competition: Competition) -> Admission:
        """As `admitted`, where targets may be others than the published.

        Raises: RunFolderError for a table that has no evaluations.
        """
        if not self.has_evaluations:
            raise RunFolderError(
                "--target-levels: the table has times to the published targets only. Give a table "
                "of evaluations (.parquet), or the logs."
            )
        return self.admitted(competition)

    def earlier(self, name_or_path: str) -> "Source":
        """Other results to compare with: of another competition in the same table, or elsewhere."""
        path = Path(name_or_path)
        if path.is_dir() or is_bundle(path):
            return open_source([path], None, self.ruleset)
        if self.path is None:
            raise RunFolderError(
                f"--since {name_or_path}: there is no such folder. Give a run or a log tree; the "
                "name of a competition needs a table, which has the results of several."
            )
        return open_source([self.path], name_or_path, self.ruleset)


def open_source(
    paths: Sequence[Path], competition: str | None, tuning: str | None, *,
    framework: str | None = None, submissions: Sequence[str] | None = None, command: str = "score",
    rulings: Path | None = None,
) -> Source:
    """Read what a command was given; `command` is its name, for what errors advise to type.

    Args: rulings: a folder of rulings of a jury; None for those of the competition.
    Raises: MLGolfError for what is missing, of another kind, or does not go together.
    """
    chosen = None if submissions is None else tuple(submissions)
    ruleset = as_ruleset(tuning)
    for path in paths:
        _check_kind(path, command)
    if any(path.suffix in TABLES for path in paths):
        return _table(paths, competition, ruleset, framework, chosen, rulings)
    if any(map(is_bundle, paths)):
        played = _bundles(paths)
    else:
        played = _logs(paths, competition, ruleset) if _are_logs(paths) else read_runs(paths)
    if ruleset not in (None, played.ruleset):
        raise RunFolderError(
            f"{paths[0]} was played under {played.ruleset} tuning, not {ruleset}. Leave it out."
        )
    rules = load_competition(competition) if competition else played.competition
    if not rules.notice:  # whatever rules they are scored by, they stay whose they are
        rules = rules.model_copy(update={"notice": played.competition.notice})
    jury = judged(played.trials, rulings_of(rules, rulings), played.run_of)
    return Source(
        competition=rules, ruleset=played.ruleset, framework=framework,
        submissions=chosen, trials=jury.trials, names=played.names, problems=played.problems,
        disclosures=played.disclosures, jury=jury,
    )


def _check_kind(path: Path, command: str) -> None:
    """Raises: RunFolderError saying what is there, and a command to type where one is known."""
    what, run = what_lies_at(path), run_above(path)
    if what == "not there":
        raise RunFolderError(f"{path}: there is no such file or folder")
    if what == "a file" and path.suffix not in TABLES and not is_bundle(path):
        raise RunFolderError(
            f"{path} is a file; {command} takes the folder of a run, a bundle of one, a tree of "
            f"AlgoPerf's logs, or a table whose name ends in {enumerated(TABLES, 'or')}."
        )
    if what == "a folder of runs":
        run = max(runs_below(path), key=last_written)
    if run is not None and any(trials_in(path)):
        raise RunFolderError(
            f"try: mlgolf {command} {quoted(run)}\n{path} is {what}; {command} takes whole runs."
        )


def _bundles(paths: Sequence[Path]) -> Played:
    """Runs, some of them as bundles. Raises: BundleError for one that is not as it was sealed."""
    with ExitStack() as opened:
        return read_runs([
            opened.enter_context(sound_run(path))[1] if is_bundle(path) else path
            for path in paths
        ])


def _are_logs(paths: Sequence[Path]) -> bool:
    return not any((path / "run.json").exists() for path in paths)


def _logs(paths: Sequence[Path], competition: str | None, ruleset: Ruleset | None) -> Played:
    (path, *others) = paths
    if others:
        raise RunFolderError(
            f"{', '.join(map(str, paths))}: none is a run of mlgolf (it would hold run.json), and "
            "AlgoPerf's logs are scored one tree at a time. Give the folder above them."
        )
    try:
        return read_logs(open_logs(path, competition, ruleset))
    except RunFolderError as error:
        raise RunFolderError(
            f"{path} is {what_lies_at(path)} (a run has run.json), so it was read as AlgoPerf's "
            f"logs. {error}"
        ) from None


def as_ruleset(tuning: str | None) -> Ruleset | None:
    """What a person said of tuning. Raises: UnknownName."""
    if tuning is not None and tuning not in get_args(Ruleset):
        raise UnknownName("tuning", tuning, known=get_args(Ruleset))
    return "self" if tuning == "self" else "external" if tuning else None


def _table(
    paths: Sequence[Path], competition: str | None, ruleset: Ruleset | None, framework: str | None,
    submissions: tuple[str, ...] | None, folder: Path | None,
) -> Source:
    (path, *others) = paths
    if others:
        raise RunFolderError(f"a table is scored alone; {len(paths)} paths were given")
    if competition is None or ruleset is None:
        raise RunFolderError(
            f"{path}: a table does not contain its rules. Add --competition, one of "
            f"{', '.join(competition_names())}, and --tuning external or self."
        )
    rules = load_competition(competition)
    if path.suffix == ".parquet":
        jury = judged(read_curve_table(path, rules, ruleset), rulings_of(rules, folder), {})
        return Source(
            competition=rules, ruleset=ruleset, framework=framework, submissions=submissions,
            trials=jury.trials, path=path, jury=jury,
        )
    table = read_trial_table(path)
    _check_that_it_has(table, rules)
    if framework is not None:
        _check_known("framework", [framework], table["framework"].unique())
        table = table.filter(pl.col("framework") == framework)
    jury = judged_names(table["submission"].unique(), rulings_of(rules, folder))
    return Source(
        competition=rules, ruleset=ruleset, framework=framework, submissions=submissions,
        table=table.filter(~pl.col("submission").is_in(sorted(jury.excluded))), path=path,
        jury=jury,
    )


def _check_known(kind: str, names: Sequence[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownName(kind, name, known=sorted(known))


def _check_that_it_has(table: pl.DataFrame, rules: Competition) -> None:
    if rules.published_as not in table["version"]:
        raise RunFolderError(
            f"the table has no trials of {rules.name} ({rules.published_as or 'never published'}); "
            f"it has {', '.join(sorted(table['version'].unique()))}"
        )

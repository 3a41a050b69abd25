"""Plays attacks beside their honest look-alikes, and says which were held.

Attacks that ask for the same rules share a run. Each is judged by its own trials alone.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from mlgolf.backends import is_installed
from mlgolf.core.competition import Competition, load_competition
from mlgolf.core.errors import MLGolfError, SandboxError
from mlgolf.core.records import SandboxLevel
from mlgolf.core.trial import Trial
from mlgolf.engines.local import OneAtATime
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.referee.levels import check_level, default_level
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess
from mlgolf.referee.trial import play_trial
from mlgolf.scoring.qualification import qualification
from mlgolf.testing.attacks.attacks import REFUSED, TRICKS, Attack, Expected, Needs
from mlgolf.testing.attacks.inside import GAINED

RULES = {
    "submission": TRICKS.with_name("training.toml"),
    "entry": TRICKS.with_name("game") / "competition.toml",
}
Which = Literal["trick", "honest"]
BOTH: tuple[Which, Which] = ("trick", "honest")
# What no submission of the suite may leave with its host.
MOST_BYTES = 100_000_000  # on the disk, for all of its trials
LONGEST_REASON = 10_000  # characters, on every board


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """The verdict of one submission. Of several trials the first that is not as it must be."""

    status: str
    reason: str
    wrong: str  # what is not as it must be; empty if all is


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    attack: Attack
    level: SandboxLevel  # at which it was played
    trick: Got
    honest: Got

    @property
    def held(self) -> bool:
        return not self.trick.wrong

    @property
    def accepted(self) -> bool:
        """Whether the honest look-alike got what it must get."""
        return not self.honest.wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One submission of one attack, and where its code lies while it is played."""

    attack: Attack
    which: Which
    source: Path

    @property
    def name(self) -> str:
        return self.source.stem

    @property
    def expected(self) -> Expected:
        return getattr(self.attack, self.which)

    @property
    def needs(self) -> Needs:
        """What is honest must do under the plain rules; bounds are the trick's."""
        asked = self.attack.needs
        if self.which == "trick":
            return asked.model_copy(update={"level": "process"})
        return Needs(kind=asked.kind, framework=asked.framework, studies=asked.studies)


def play_attacks(
    attacks: Sequence[Attack],
    level: SandboxLevel | None = None,
    *,
    on_end: Callable[[Outcome], None] = lambda _: None,
    folder: Path = TRICKS,
) -> tuple[Outcome, ...]:
    """Play all of them, in order of what they need.

    Args: level: None for the strongest that this machine gives. folder: where the attacks lie.
    Raises: SandboxError for a level that this machine does not give.
    """
    chosen = level or default_level()
    check_level(chosen)
    check_walls()
    with tempfile.TemporaryDirectory(prefix="mlgolf-attacks-") as name:
        place = Path(name)
        (place / "code").mkdir()
        got: dict[tuple[str, Which], Got] = {}
        ended = []
        for number, (needs, group) in enumerate(
            _groups(_laid_out(attacks, place / "code", folder))
        ):
            got |= _verdicts(group, needs, chosen, place / f"run{number}", place / "data")
            for attack in (one.attack for one in group):
                if attack not in ended and all((attack.name, which) in got for which in BOTH):
                    ended.append(attack)
                    on_end(_outcome(attack, chosen, got))
        return tuple(_outcome(attack, chosen, got) for attack in attacks)


def playable(attacks: Iterable[Attack]) -> tuple[Attack, ...]:
    """Those whose framework is installed."""
    return tuple(attack for attack in attacks if is_installed(attack.needs.framework))


def check_walls() -> None:
    """Raises: SandboxError where a player would stand in the open."""
    held = HeldProcess(Order(argv=[sys.executable, "-I", "-S", "-c", ""]))
    held.stop()
    if held.record().get("files") != "private":
        why = held.record().get("namespaces_refused", "no reason given")
        raise SandboxError(
            f"no attack is played on this machine: it gives no namespaces ({why}), so signals and "
            "files of tricks would reach the machine itself. `mlgolf sandbox check` says what to "
            "change"
        )


def _outcome(
    attack: Attack, level: SandboxLevel, got: Mapping[tuple[str, Which], Got]
) -> Outcome:
    both = {which: got[attack.name, which] for which in BOTH}
    return Outcome(attack=attack, level=level, **both)


def _groups(played: Iterable[Played]) -> Iterator[tuple[Needs, list[Played]]]:
    """Those that one run can play: of the same needs, whatever level would do."""
    groups: dict[str, list[Played]] = {}
    for one in played:
        groups.setdefault(one.needs.model_dump_json(), []).append(one)
    return ((group[0].needs, group) for group in groups.values())


def _laid_out(attacks: Iterable[Attack], place: Path, folder: Path) -> Iterator[Played]:
    """Their code by names that tell them apart."""
    for attack in attacks:
        for which in BOTH:
            code, name = attack.code(which, folder), f"{attack.name}_{which}"
            if code.is_dir():
                source = Path(shutil.copytree(code, place / name))
                for link, target in attack.needs.links.items() if which == "trick" else ():
                    (source / link).symlink_to(target)
            else:
                source = Path(shutil.copy(code, place / f"{name}.py"))
            yield Played(attack=attack, which=which, source=source)


def rules_for(needs: Needs) -> Competition:
    """The rules of the suite, with the bounds that an attack asks for."""
    competition = load_competition(RULES[needs.kind])
    ((name, row),) = competition.workloads.items()
    changed: dict[str, object] = {"bounds": {**row.bounds, **needs.bounds}}
    if needs.eval_every_steps is not None:
        changed["eval_every_steps"] = needs.eval_every_steps
    return competition.model_copy(update={"workloads": {name: row.model_copy(update=changed)}})


def _verdicts(
    played: Sequence[Played], needs: Needs, level: SandboxLevel, out: Path, data_dir: Path
) -> dict[tuple[str, Which], Got]:
    """By attack and which of its two. What is refused before it is played is played alone."""
    refused = [one for one in played if one.expected.status == REFUSED]
    together = [one for one in played if one not in refused]
    play = partial(_trials, needs=needs, level=level, data_dir=data_dir)
    got = {}
    try:
        if together:
            trials = play(together, out=out)
            for one in together:
                key = (one.attack.name, one.which)
                got[key] = judged(one.expected, trials[one.name], needs, out / one.name)
    except MLGolfError:  # one of them was refused: which, each by itself will say
        refused = [*played]
    for number, one in enumerate(refused):
        key = (one.attack.name, one.which)
        try:
            alone = out.with_name(f"{out.name}_{number}")
            trials = play([one], out=alone)
            got[key] = judged(one.expected, trials[one.name], needs, alone / one.name)
        except MLGolfError as error:
            got[key] = _got(one.expected, REFUSED, str(error), qualifies=False)
    return got


def _trials(
    played: Sequence[Played], *, needs: Needs, level: SandboxLevel, out: Path, data_dir: Path
) -> dict[str, list[Trial]]:
    """By submission. Raises: MLGolfError for one that is refused."""
    request = RunRequest(
        submissions=tuple(str(one.source) for one in played), competition=rules_for(needs),
        framework=needs.framework, ruleset="self", studies=needs.studies, sandbox=level,
        data_dir=data_dir, out=out,
    )  # fmt: skip
    trials: dict[str, list[Trial]] = {one.name: [] for one in played}
    with open_run(request) as run:
        play_run(run, OneAtATime(), play_trial, lambda t: trials[t.key.submission].append(t))
    return trials


def judged(expected: Expected, trials: Sequence[Trial], needs: Needs, folder: Path) -> Got:
    """What was got in the first trial that is not as it must be, or in the last.

    Args: folder: of the submission in the run.
    """
    seen = [_of_trial(expected, trial, needs) for trial in trials]
    got = next((got for got in seen if got.wrong), seen[-1])
    left = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if got.wrong or left <= MOST_BYTES:
        return got
    return replace(got, wrong=f"it left {left:,} bytes on the disk of its host")


def _of_trial(expected: Expected, trial: Trial, needs: Needs) -> Got:
    competition = rules_for(needs)
    (row,) = competition.workloads.values()
    result = qualification(trial, competition.rules, row)
    status = trial.status.value if trial.status else "no verdict"
    got = _got(expected, status, trial.reason, qualifies=result is not None and result.qualified)
    if got.wrong or not expected.paid_share:
        return got
    charged, total = trial.verdict.charged_seconds if trial.verdict else 0.0, trial.total_seconds
    paid = charged / total if total else 0.0
    wrong = f"it paid {paid:.0%} of its time for evaluations" if paid < expected.paid_share else ""
    return replace(got, wrong=wrong)


def _got(expected: Expected, status: str, reason: str, *, qualifies: bool) -> Got:
    counts = {True: "a model of it counts", False: "no model of it counts"}
    wrong = (
        reason[reason.index(GAINED) :] if GAINED in reason
        else f"the status is {status}" if status != expected.status
        else f"the reason does not say {expected.reason!r}" if expected.reason not in reason
        else "the reason is too long to be read" if len(reason) > LONGEST_REASON
        else counts[qualifies] if expected.qualifies not in (None, qualifies)
        else ""
    )  # fmt: skip
    return Got(status=status, reason=reason, wrong=wrong)

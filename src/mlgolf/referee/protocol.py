"""The protocol of a trial: one page, in the order in which things happen.

    1  The header is written: who, what, hashes, seed, class. Then the player is started.
    2  Off the clock the player imports its framework, opens the training split, builds the model.
    3  It says Ready. The clock starts at zero with Begin. Importing the submission counts.
    4  The referee alone says when an evaluation is due; the player hands its model over.
    5  Every process of the player is frozen, then the clock is read.
    6  The referee copies and hashes the bytes, evaluates them with its own model and data, and
       appends one row, safe on disk, before anybody learns of it.
    7  Either the trial is over, or the player is told its results and thawed.
    8  A trial ends with one Status and a reason. A crash is a result; a deadline gives no grace.

The referee knows messages, not loops: a player that drives its own training and submits when it
likes is held to the same protocol.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from mlgolf.core.disturbance import disturbance
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.messages import (
    Begin,
    Evaluated,
    Exited,
    Failed,
    Finished,
    Logged,
    Message,
    Ready,
    Submitted,
)
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Clock, Player, Players, Reading, Row, Store, measured
from mlgolf.core.records import (
    SHARED_MACHINE,
    Background,
    ClockTotal,
    TrialHeader,
    VerdictRecord,
)
from mlgolf.core.status import Status, Verdict
from mlgolf.core.text import number_of
from mlgolf.referee import energy
from mlgolf.referee.background import BackgroundLoad
from mlgolf.referee.endings import Ended, broke_protocol, disappearance, failure
from mlgolf.referee.evaluate import unchanged
from mlgolf.referee.evaluation_share import FreeShare
from mlgolf.referee.folders import without_folders
from mlgolf.referee.heartbeat import Heartbeat
from mlgolf.referee.machine import load_average
from mlgolf.referee.measuring import Evaluates, Measuring
from mlgolf.referee.pairing import Pairing, Unpaired
from mlgolf.referee.rulings import Rulings
from mlgolf.results.logged import LARGEST

POLL_SECONDS = 0.02
STOPPED_BY_A_PERSON = "stopped by a person; --resume it"
LONGEST_REASON = 5_000  # characters of what a contestant may add to a verdict
LOG_IS_FULL = "what is logged from here on is left out: the log is as long as it may be"


class Watcher(Protocol):
    """Somebody who looks on: a progress bar."""

    def tick(self, step: int, reading: Reading) -> None: ...
    def row(self, row: Row) -> None: ...
    def again(self, disturbed: str) -> None:
        """The trial has ended, was disturbed for this reason, and begins anew."""
        ...


class _Held(NamedTuple):
    """A model that was handed over, and the clock when it was."""

    step: int
    reading: Reading
    model: bytes
    waited: bool = False  # it came too soon to be judged at once, and its values were not told


def run_trial(
    plan: TrialPlan, players: Players, *, clock: Clock, store: Store, evaluator: Evaluates,
    header: TrialHeader, hardware: HardwareClass, watcher: Watcher | None = None,
    pairing: Pairing | Unpaired | None = None, background: BackgroundLoad | None = None,
    repeated: int = 0,
) -> Verdict:
    """Run one trial to its end, whatever that is, and write it down.

    Args:
      background: what else the machine does meanwhile.
      repeated: how many attempts before this one were disturbed.
    Raises: nothing that a player does; RulesError where a `measure` of the rules fails, and the
      trial has no verdict. KeyboardInterrupt passes once the trial is marked.
    """
    store.begin(header)
    load = load_average()
    try:
        if background:
            background.begin()
        player = players.start(plan, evaluator.capacity)
    except KeyboardInterrupt:
        store.finish(VerdictRecord(
            status=Status.INTERRUPTED, reason=STOPPED_BY_A_PERSON, repeated=repeated
        ))  # fmt: skip
        raise
    pairing = pairing or Unpaired()
    referee = _Referee(plan, player, clock, store, evaluator, hardware, watcher, pairing)
    interrupted = around = None
    try:
        with _ended(player, pairing):
            verdict = referee.play()
            used = player.cpu_seconds()
        around = background and background.end(used)
    except KeyboardInterrupt as interrupt:
        interrupted = interrupt
        verdict = Verdict(status=Status.INTERRUPTED, reason=STOPPED_BY_A_PERSON)
    metered = energy.why_unofficial(clock.record().get("energy", {}), referee.total.wall)
    store.finish(VerdictRecord(
        **{**asdict(verdict), "reason": shortened(verdict.reason)},
        unofficial=(
            plan.unofficial or why_unofficial(player.record(), metered) or pairing.why_unofficial()
        ),
        sandbox=player.record(),
        clock={**clock.record(), **({"paired": paired} if (paired := pairing.record()) else {})},
        load_average=[load, load_average()],
        **_around(plan, verdict, around, repeated),
        versions=dict(referee.versions),
        touched=dict(referee.touched),
        total=ClockTotal(**referee.total._asdict()),
        charged_seconds=referee.charged,
    ))  # fmt: skip
    if interrupted:
        raise interrupted
    return verdict


@contextmanager
def _ended(player: Player, pairing: Pairing | Unpaired) -> Iterator[None]:
    try:
        yield
    finally:
        player.stop()
        pairing.close()


def _around(
    plan: TrialPlan, verdict: Verdict, background: Background | None, repeated: int
) -> dict[str, Any]:
    """What the record says of the machine: whether it disturbed the trial, which is repeated then.

    Nothing of what the trial came to decides that.
    """
    if background is None:
        return {"repeated": repeated}
    rules = plan.rules
    disturbed = disturbance(background, plan.calibration, rules.disturbed_above)
    is_replay = plan.evaluate_at is not None
    again = bool(disturbed) and repeated < rules.repeat_disturbed and not is_replay
    return {
        "background": background, "disturbed": disturbed, "repeated": repeated,
        "to_repeat": again and verdict.status.is_final,
    }


def shortened(reason: str) -> str:
    """A reason quotes the contestant, who may have said more than anybody wants to read."""
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]} …"


def why_unofficial(sandbox: Mapping[str, Any], metered: str = "") -> str:
    """What the way a player was held leaves open; empty if nothing. Args: metered: of energy."""
    if sandbox.get("files") == "shared":
        refused = sandbox.get("namespaces_refused", "no sandbox")
        return f"files could be kept from one trial to the next ({refused})"
    if "leaky" in sandbox.get("cpu_time_source", ""):
        return "CPU time of processes that ended may be missing: this kernel offers no better count"
    return SHARED_MACHINE if sandbox.get("shared_cores") else metered


class _Referee:
    """One trial's state: what has been evaluated, and where the clock stood last."""

    def __init__(
        self, plan: TrialPlan, player: Player, clock: Clock, store: Store, evaluator: Evaluates,
        hardware: HardwareClass, watcher: Watcher | None, pairing: Pairing | Unpaired,
    ) -> None:
        self._pairing = pairing
        self._plan, self._player, self._clock, self._store = plan, player, clock, store
        self._evaluator, self._watcher = evaluator, watcher
        self._rulings = Rulings(plan, hardware.limits, evaluator.splits)
        self._measuring = Measuring(plan, self._rulings, evaluator)
        self._heartbeat = Heartbeat(hardware.limits, expected=not plan.paces_itself)
        self._hardware, share = hardware, hardware.evaluation_share
        self._free, self._free_besides = FreeShare(share), FreeShare(share)
        self._evaluations, self._evaluated_at = 0, 0.0  # how many, and the clock at the last
        self._held: _Held | None = None
        self._best = math.inf  # what the objective counts of the model that is kept
        self._diverged = ""  # the first model with a NaN or infinity, and where
        self._logged = 0  # bytes that the contestant had written into the log
        self.versions: Mapping[str, str] = {}
        self.touched: Mapping[str, int] = {}  # by the player's own word
        self.total = Reading(0.0, 0.0, 0.0)
        self.charged = 0.0

    def play(self) -> Verdict:
        try:
            self._evaluator.warm_up()
            self._await_ready()
            self._clock.start(self._player.cpu_seconds)
            self._player.evaluate_at(self._rulings.next_evaluation(0, 0))
            self._player.send(Begin())
            while True:
                message = self._receive()
                match message:
                    case Submitted(is_query=True):
                        self._answer_query(message)
                    case Submitted():
                        self._evaluate(message)
                    case None:
                        pass
                    case _:
                        self._hear(message)
                self._look_at_the_clock()
        except Ended as end:
            verdict = self._after_what_was_held(end.verdict)
            reason = f"{verdict.reason.removesuffix('.')}; {self._diverged}"
            return replace(verdict, reason=reason) if self._diverged else verdict

    def _after_what_was_held(self, verdict: Verdict) -> Verdict:
        """Judge the last model that was handed over in time, if it still waits for that."""
        try:
            if self._held:
                _, charge = self._judge(self._held, self._clock.work())
                self._charge(charge)
        except Ended as end:
            return end.verdict
        return verdict

    def _done(self, step: int) -> str:
        """In words: what has been done until this step."""
        if self._plan.paces_itself:
            judged = self._evaluations + bool(self._held)  # what waits is judged at the end
            waiting = f", {judged} judged: others came too soon after one" if judged < step else ""
            return f"{number_of(step, 'model')} handed over{waiting}"
        if step:
            return f"{step} steps were done"
        return (
            "no step was done: the time went before the first one, into importing the submission, "
            "init_optimizer_state or compiling"
        )

    def _await_ready(self) -> None:
        patience = self._hardware.limits.setup_seconds
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._pairing.is_wanted():
                self._player.freeze()
                deadline += self._pairing.step_aside()
                self._player.thaw()
            match self._receive():
                case Ready(versions):
                    self.versions = versions
                    return
                case None:
                    pass
                case message:
                    self._hear(message)
        raise Ended(Status.HUNG, f"the player was not ready after {patience:.0f} s")

    def _receive(self) -> Message | None:
        try:
            message = self._player.receive(POLL_SECONDS)
        except ValueError as error:
            raise broke_protocol(error) from None
        if isinstance(message, Submitted | Finished):
            self.touched = message.touched or self.touched
        return message

    def _model(self, submitted: Submitted) -> bytes:
        try:
            return self._player.model(submitted.length)
        except ValueError as error:
            raise broke_protocol(error) from None

    def _look_at_the_clock(self) -> None:
        if self._pairing.is_wanted():
            self._stand_still()
            self._pairing.step_aside()
            self._go_on()
        reading = self.total = self._clock.read()
        self._player.show_clock(reading.seconds)
        step = self._player.step
        if self._watcher:
            self._watcher.tick(step, reading)
        if reason := self._rulings.out_of_time(reading):
            raise Ended(Status.OUT_OF_TIME, f"{reason}; {self._done(step)}")
        if self._held and not self._is_too_early(self._held.step, reading):
            _, began = self._stand_still()
            _, charge = self._judge(self._held, began)
            self._charge(charge)
            self._go_on()
        if self._rulings.is_due(reading.seconds, self._evaluated_at):
            self._player.evaluate_at(0)  # at the end of the step that it is in
        if reason := self._heartbeat.why_hung(step, reading):
            raise Ended(Status.HUNG, reason)

    def _hear(self, message: Message) -> None:
        match message:
            case Logged(step, values):
                shown = " ".join(f"{name}={value:.6g}" for name, value in values.items())
                self._log(f"step {step}: {shown}")
            case Finished(step, reason):
                paced = self._plan.paces_itself
                done = f"; {self._done(step)}" if paced else f" after {step} steps"
                raise Ended(Status.FINISHED, f"{reason}{done}")
            case Failed():
                self._store.log(without_folders(message.traceback, self._plan))
                raise failure(message, self._plan, self._hardware)
            case Exited(code):
                evidence = self._player.out_of_memory()
                raise disappearance(code, self._player.step, evidence)
            case _:
                raise broke_protocol(f"{type(message).__name__} is not the player's to send")

    def _log(self, text: str) -> None:
        """A disk is the host's, so what is written for a contestant has an end."""
        written = len(text.encode("utf-8", "backslashreplace")) + 1  # as the store writes it
        before, self._logged = self._logged, self._logged + written
        if self._logged <= LARGEST:
            self._store.log(text)
        elif before <= LARGEST:
            self._store.log(LOG_IS_FULL)

    def _evaluate(self, submitted: Submitted) -> None:
        """Freeze, read the clock, copy, evaluate, write down, rule, tell, thaw."""
        if self._plan.paces_itself and self._is_too_early(submitted.step, self._clock.read()):
            self._hold(submitted)
            return
        reading, began = self._stand_still()
        if self._pairing.end_segment(reading.cpu - self.charged, submitted.step):
            self._player.use_core(None)
        if self._held:
            self._end_if_late(reading)
        metrics, charge = self._judge(
            _Held(submitted.step, reading, self._model(submitted)), began
        )
        self._player.evaluate_at(
            self._rulings.next_evaluation(self._evaluations, submitted.step)
        )
        told = {} if submitted.step in self._plan.waited else metrics
        self._answer(submitted.step, told, charge=charge)

    def _end_if_late(self, reading: Reading) -> None:
        """What comes too late takes the place of nothing that came in time."""
        if reason := self._rulings.out_of_time(reading):
            raise Ended(Status.OUT_OF_TIME, f"{reason}; {self._done(self._player.step)}")

    def _hold(self, submitted: Submitted) -> None:
        """Keep a model to judge later, in place of an earlier one: the last counts.

        Its clock runs on, which is read after the copy: nobody need stand still for that.
        """
        model = self._model(submitted)
        reading = self.total = self._clock.read()
        self._end_if_late(reading)
        self._held = _Held(submitted.step, reading, model, waited=True)
        self._tell(submitted.step, {}, reading)

    def _is_too_early(self, step: int, reading: Reading) -> bool:
        last = self._evaluated_at if self._evaluations else None
        return self._rulings.is_too_early(step, reading.seconds, last)

    def _judge(self, held: "_Held", began: float) -> tuple[dict[str, float], float]:
        """Evaluate and write down, while the player stands still.

        Args: began: when our work on it did. Returns: metrics, and what is to be charged.
        """
        self._held, reading = None, held.reading
        arrays = self._measuring.read(held.model)
        metrics = self._measuring.needed(held.model, arrays)
        self._diverged = self._diverged or self._measuring.divergence(held.step, arrays, metrics)
        charge = self._beyond_share(began, reading)
        if self._evaluations == 0 and not self._plan.paces_itself:
            self._check_that_it_trains(held.step, arrays)
        self._evaluations += 1
        verdict = self._rulings.end_after(measured(held.step, reading, metrics))
        if verdict is not None or self._rulings.is_full(self._evaluations):
            began = self._clock.work()
            metrics |= self._measuring.recorded(arrays)
            charge += self._free_besides.excess(self._clock.work() - began, reading.seconds)
        # Now, though it may have been handed over before; a charge is no time to train in.
        self._evaluated_at = self.total.seconds + charge
        row = Row(
            step=held.step, reading=reading, metrics=metrics,
            model_sha256=hashlib.sha256(held.model).hexdigest(),
            charged=0.0 if verdict else charge,
            waited=held.waited,
        )
        self._store.append(row)
        self._keep(held, measured(held.step, reading, metrics))
        if self._watcher:
            self._watcher.row(row)
        if verdict is not None:
            raise Ended(verdict.status, verdict.reason)
        return metrics, charge

    def _keep(self, held: _Held, row: Mapping[str, float]) -> None:
        """The model that the plan asks for; else, by the rules, the best that keeps the bounds."""
        if self._plan.keep_step is not None:
            if held.step == self._plan.keep_step:
                self._store.keep(held.model)
            return
        value = self._rulings.counted(row) if self._plan.rules.keep_model else None
        if value is not None and value < self._best:
            self._best = value
            self._store.keep(held.model)

    def _answer_query(self, submitted: Submitted) -> None:
        """What the contestant asked about a model of its own: told to it, and never scored."""
        reading, began = self._stand_still()
        arrays = self._measuring.read(self._model(submitted))
        metrics = self._measuring.told(arrays)
        self._answer(submitted.step, metrics, charge=self._beyond_share(began, reading))

    def _stand_still(self) -> tuple[Reading, float]:
        """Freeze every process of the player. Returns: its clock, and when our work began."""
        self._player.freeze()
        reading = self.total = self._clock.pause()
        return reading, self._clock.work()

    def _go_on(self) -> None:
        self._player.thaw()
        self._clock.resume()

    def _beyond_share(self, began: float, reading: Reading) -> float:
        """What evaluating has cost since `began`, beyond what is off the clock."""
        return self._free.excess(self._clock.work() - began, reading.seconds)

    def _check_that_it_trains(self, step: int, arrays: Mapping[str, NDArray]) -> None:
        if unchanged(self._evaluator.untrained(self._plan.seed), arrays):
            raise Ended(
                Status.CRASHED,
                f"update_params changed no parameter in {step} steps. In torch change them in "
                "place; in JAX return the new tree.",
                broke_contract=True,
            )

    def _charge(self, seconds: float) -> None:
        self._clock.charge(seconds)
        self.charged += seconds

    def _answer(self, step: int, metrics: Mapping[str, float], *, charge: float) -> None:
        """Add what it cost to the clock, say what came out, let it go on."""
        self._charge(charge)
        reading = self.total = self._clock.read()
        if self._pairing.begin_segment(reading.cpu - self.charged, step):
            self._player.use_core(self._pairing.core)
        self._go_on()
        self._tell(step, metrics, reading)

    def _tell(self, step: int, metrics: Mapping[str, float], reading: Reading) -> None:
        """What the rules let the contestant know."""
        told = {n: v for n, v in metrics.items() if n.partition("/")[0] in self._rulings.told}
        state = self._rulings.train_state(measured(step, reading, told), reading)
        self._player.send(Evaluated(step, told, state))

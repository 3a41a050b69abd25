"""The protocol of a trial: one page, in the order in which things happen.

    1  The header is written: who, what, hashes, seed, class. Then the player is started.
    2  Off the clock the player imports its framework, opens the training split, builds the model.
    3  It says Ready. The clock starts at zero with Begin. Importing the submission counts.
    4  The referee alone says at which step an evaluation is due; the player hands its model over.
    5  Every process of the player is frozen, then the clock is read.
    6  The referee copies and hashes the bytes, evaluates them with its own model and data, and
       appends one row, safe on disk, before anybody learns of it.
    7  Either the trial is over, or the player is told its results and thawed.
    8  A trial ends with one Status and a reason. A crash is a result; a deadline gives no grace.

The referee knows messages, not loops: a player that drives its own training and submits when it
likes is held to the same protocol.
"""

import hashlib
import signal
import time
from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from mlgolf.core.errors import SubmissionError
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
from mlgolf.core.protocols import Clock, Player, Players, Reading, Row, Store
from mlgolf.core.status import Status
from mlgolf.core.workload import SPLITS
from mlgolf.referee.evaluate import unchanged
from mlgolf.referee.measure import load_average
from mlgolf.referee.rulings import FreeShare, Heartbeat, Rulings

POLL_SECONDS = 0.02
SETUP_SECONDS = 600.0  # for what is off the clock: nobody may stall there forever
STOPPED_BY_A_PERSON = "stopped by a person; --resume it"
_OWN_FAULTS = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS,
     signal.SIGTRAP, signal.SIGXFSZ}
)
_ALLOCATION_FAILURES = ("can't allocate memory", "RESOURCE_EXHAUSTED", "out of memory")


class Evaluates(Protocol):
    """What the referee needs of an evaluator."""

    capacity: int

    def warm_up(self) -> None: ...
    def untrained(self, seed: int) -> Mapping[str, NDArray]: ...
    def read(self, model: bytes) -> dict[str, NDArray]: ...
    def evaluate(self, arrays: Mapping[str, NDArray], splits: Any) -> dict[str, float]: ...


class Watcher(Protocol):
    """Somebody who looks on: a progress bar."""

    def tick(self, step: int, reading: Reading) -> None: ...
    def row(self, row: Row) -> None: ...


class End(Exception):
    """How a trial ended."""

    def __init__(self, status: Status, reason: str, *, broke_contract: bool = False) -> None:
        super().__init__(reason)
        self.status, self.reason, self.broke_contract = status, reason, broke_contract


def run_trial(
    plan: TrialPlan, players: Players, *, clock: Clock, store: Store, evaluator: Evaluates,
    header: Mapping[str, Any], hardware: HardwareClass, watcher: Watcher | None = None,
) -> End:
    """Run one trial to its end, whatever that is, and write it down.

    Raises: nothing that a player does. KeyboardInterrupt passes once the trial is marked.
    """
    store.begin(header)
    load = load_average()
    try:
        player = players.start(plan, evaluator.capacity)
    except KeyboardInterrupt:
        store.finish(Status.INTERRUPTED, STOPPED_BY_A_PERSON, {})
        raise
    referee = _Referee(plan, player, clock, store, evaluator, hardware, watcher)
    interrupted = None
    try:
        end = referee.play()
    except KeyboardInterrupt as interrupt:
        interrupted, end = interrupt, End(Status.INTERRUPTED, STOPPED_BY_A_PERSON)
    finally:
        player.stop()
    record = {
        "broke_contract": end.broke_contract,
        "unofficial": plan.unofficial or why_unofficial(player.record()),
        "sandbox": player.record(),
        "clock": clock.record(),
        "load_average": [load, load_average()],
        "versions": referee.versions,
        "total": referee.total._asdict(),
        "charged_seconds": referee.charged,  # of evaluations and of answers, on top of its own
    }
    store.finish(end.status, end.reason, record)
    if interrupted:
        raise interrupted
    return end


def _steps_done(step: int) -> str:
    if step:
        return f"{step} steps were done"
    return (
        "no step was done: the time went before the first one, into importing the submission, "
        "init_optimizer_state or compiling"
    )


def why_unofficial(sandbox: Mapping[str, Any]) -> str:
    """What the way a player was held leaves open; empty if nothing."""
    if sandbox.get("files") == "shared":
        refused = sandbox.get("namespaces_refused", "no sandbox")
        return f"files could be kept from one trial to the next ({refused})"
    if "leaky" in sandbox.get("cpu_time_source", ""):
        return "CPU time of processes that ended may be missing: this kernel offers no better count"
    return ""


class _Referee:
    """One trial's state: what has been evaluated, and where the clock stood last."""

    def __init__(
        self, plan: TrialPlan, player: Player, clock: Clock, store: Store, evaluator: Evaluates,
        hardware: HardwareClass, watcher: Watcher | None,
    ) -> None:
        self._plan, self._player, self._clock, self._store = plan, player, clock, store
        self._evaluator, self._watcher = evaluator, watcher
        self._rulings, self._heartbeat = Rulings(plan), Heartbeat()
        self._hardware, share = hardware, hardware.evaluation_share
        self._free, self._free_besides = FreeShare(share), FreeShare(share)
        self._evaluations = 0
        self.versions: Mapping[str, str] = {}
        self.total = Reading(0.0, 0.0, 0.0)
        self.charged = 0.0

    def play(self) -> End:
        try:
            self._evaluator.warm_up()
            self._await_ready()
            self._clock.start(self._player.cpu_seconds)
            self._player.evaluate_at(self._rulings.first_evaluation())
            self._player.send(Begin())
            while True:
                message = self._player.receive(POLL_SECONDS)
                if isinstance(message, Submitted):
                    self._evaluate(message)
                elif message is not None:
                    self._hear(message)
                self._look_at_the_clock()
        except End as end:
            return end
        except ValueError as error:
            return End(Status.CRASHED, f"the player broke the protocol: {error}")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + SETUP_SECONDS
        while time.monotonic() < deadline:
            match self._player.receive(POLL_SECONDS):
                case Ready(versions):
                    self.versions = versions
                    return
                case None:
                    pass
                case message:
                    self._hear(message)
        raise End(Status.HUNG, f"the player was not ready after {SETUP_SECONDS:.0f} s")

    def _look_at_the_clock(self) -> None:
        reading = self.total = self._clock.read()
        self._player.show_clock(reading.seconds)
        step = self._player.step
        if self._watcher:
            self._watcher.tick(step, reading)
        if reason := self._rulings.out_of_time(reading):
            raise End(Status.OUT_OF_TIME, f"{reason}; {_steps_done(step)}")
        if idle := self._heartbeat.hung_for(step, reading):
            raise End(Status.HUNG, f"no step for {idle:.0f} s after step {step}")

    def _hear(self, message: Message) -> None:
        match message:
            case Logged(step, values):
                shown = " ".join(f"{name}={value:.6g}" for name, value in values.items())
                self._store.log(f"step {step}: {shown}")
            case Finished(step, reason):
                raise End(Status.FINISHED, f"{reason} after {step} steps")
            case Failed():
                raise self._failure(message)
            case Exited(code):
                raise self._disappearance(code)
            case _:
                raise ValueError(f"{type(message).__name__} is not the player's to send")

    def _failure(self, failed: Failed) -> End:
        self._store.log(failed.traceback)
        reason = f"{failed.kind} at step {failed.step}"
        reason += f": {failed.message}" if failed.message else ""
        lacks_memory = failed.kind in ("MemoryError", "OutOfMemoryError") or any(
            sign in failed.message for sign in _ALLOCATION_FAILURES
        )
        if lacks_memory:
            return End(Status.OUT_OF_MEMORY, f"{reason}; {self._memory(failed.peak_bytes)}")
        if failed.kind == SubmissionError.__name__:
            return End(Status.CRASHED, failed.message, broke_contract=True)
        return End(Status.CRASHED, f"{reason}. The traceback is in log.txt.")

    def _memory(self, peak_bytes: int) -> str:
        used = f", of which {peak_bytes / 1e9:.1f} GB were in use" if peak_bytes else ""
        allowed = self._hardware.memory_bytes / 1e9
        return f"{self._hardware.name} allows {allowed:.1f} GB of address space{used}"

    def _disappearance(self, code: int | None) -> End:
        step = self._player.step
        if evidence := self._player.out_of_memory():
            return End(Status.OUT_OF_MEMORY, f"{evidence}, after step {step}")
        if code is not None and -code in _OWN_FAULTS:
            name = signal.Signals(-code).name
            return End(Status.CRASHED, f"ended by its own {name} after step {step}")
        if code is not None and code < 0:
            return End(Status.KILLED, f"ended by signal {-code} after step {step}")
        if code is None:
            return End(Status.CRASHED, f"closed its connection to the referee after step {step}")
        return End(Status.CRASHED, f"the player exited with code {code} after step {step}")

    def _evaluate(self, submitted: Submitted) -> None:
        """Freeze, read the clock, copy, evaluate, write down, rule, tell, thaw."""
        self._player.freeze()
        reading = self.total = self._clock.pause()
        began = self._clock.work()
        model = self._player.model(submitted.length)
        arrays = self._read(model)
        if submitted.is_query:
            metrics = self._evaluator.evaluate(arrays, SPLITS)
            self._answer(submitted.step, metrics, charge=self._beyond_share(began, reading))
            return
        metrics = self._evaluator.evaluate(arrays, self._rulings.needed)
        charge = self._beyond_share(began, reading)
        if self._evaluations == 0:
            self._check_that_it_trains(submitted.step, arrays)
        self._evaluations += 1
        end = self._rulings.end_after(
            self._rulings.quantities(submitted.step, reading, metrics)
        )
        if end is not None or self._rulings.is_full(self._evaluations):
            began = self._clock.work()
            metrics |= self._evaluator.evaluate(arrays, self._rulings.others)
            charge += self._free_besides.excess(self._clock.work() - began, reading.seconds)
        row = Row(
            step=submitted.step, reading=reading, metrics=metrics,
            model_sha256=hashlib.sha256(model).hexdigest(), charged=0.0 if end else charge,
        )
        self._store.append(row)
        if self._watcher:
            self._watcher.row(row)
        if end is not None:
            raise End(*end)
        self._player.evaluate_at(
            self._rulings.next_evaluation(self._evaluations, submitted.step)
        )
        self._answer(submitted.step, metrics, charge=charge)

    def _beyond_share(self, began: float, reading: Reading) -> float:
        """What evaluating has cost since `began`, beyond what is off the clock."""
        return self._free.excess(self._clock.work() - began, reading.seconds)

    def _read(self, model: bytes) -> dict[str, NDArray]:
        try:
            return self._evaluator.read(model)
        except SubmissionError as error:
            raise End(Status.CRASHED, str(error), broke_contract=True) from None

    def _check_that_it_trains(self, step: int, arrays: Mapping[str, NDArray]) -> None:
        if unchanged(self._evaluator.untrained(self._plan.seed), arrays):
            raise End(
                Status.CRASHED,
                f"update_params changed no parameter in {step} steps. In torch change them in "
                "place; in JAX return the new tree.",
                broke_contract=True,
            )

    def _answer(self, step: int, metrics: Mapping[str, float], *, charge: float) -> None:
        """Add what it cost to the clock, say what came out, let it go on."""
        self._clock.charge(charge)
        self.charged += charge
        reading = self.total = self._clock.read()
        measured = self._rulings.quantities(step, reading, metrics)
        state = self._rulings.train_state(measured, reading)
        self._player.thaw()
        self._clock.resume()
        self._player.send(Evaluated(step, metrics, state))



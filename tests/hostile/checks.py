"""What must hold of a trial, whatever its player sent."""

import contextlib
import hashlib
import socket
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from hostile.by_hand import distance, is_plain, message_in, same, weight_in
from hostile.messages import some_line
from hostile.scripts import some_script
from hostile.trial import OnceEnded, Outcome, bounds, modes, played

from mlgolf.core.messages import Exited, Message
from mlgolf.core.protocols import Row
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.player.channel import LONGEST_MESSAGE, Channel
from mlgolf.referee.protocol import LONGEST_REASON
from mlgolf.results.logged import LARGEST
from mlgolf.results.trial_folder import TrialFolder, read_trial

BY_STEPS = ("plain", "costly", "silent")  # modes in which every model is judged at once
Meant = tuple[str, dict[str, Any]]  # kind and fields of a message


def play_and_check(random: Random, folder: Path | None = None) -> Outcome:
    """A trial of a chance script in a chance mode. Args: folder: as of `check`."""
    outcome = played(some_script(random), random.choice([*modes(), "plain"]))
    check(outcome, folder)
    return outcome


def check(outcome: Outcome, folder: Path | None = None) -> None:
    """Raises: AssertionError if the referee heard, wrote or ruled anything that it must not.

    Args: folder: a new one, to which the trial is written, and from which it is read back.
    """
    heard = check_what_was_heard(outcome)
    check_models(outcome)
    check_rows(outcome)
    check_what_is_written(outcome.store)
    if outcome.mode in BY_STEPS:
        allowed = right_statuses(outcome, heard)
        assert outcome.verdict.status in allowed, (outcome.verdict, allowed)
    if folder:
        check_what_is_read_back(outcome, written(outcome.store, folder))


# --- lines ---


def check_what_was_heard(outcome: Outcome) -> list[Meant]:
    """Every line in its order, none that is malformed. Returns: what they mean, by hand."""
    player = outcome.player
    *lines, rest = b"".join(act.send for act in outcome.acts).split(b"\n")
    heard = [message for message in player.heard if message and not isinstance(message, Exited)]
    assert len(heard) <= len(lines)
    if player.refused:
        refused = lines[len(heard)] if len(heard) < len(lines) else rest
        assert message_in(refused) is None, f"refused {refused[:200]!r}"
    if any(isinstance(message, Exited) for message in player.heard):
        assert len(heard) == len(lines), "it ended, and something that it had said was not heard"
    return [checked(line, message) for line, message in zip(lines, heard, strict=False)]


def checked(line: bytes, heard: Message) -> Meant:
    """What a line means, which must be what was heard."""
    meant = message_in(line)
    assert meant is not None, f"heard {line[:200]!r}"
    kind, fields = meant
    assert kind == type(heard).__name__
    for name, value in fields.items():
        assert same(getattr(heard, name), value), (name, line[:200])
    return meant


def hear_and_check(random: Random, count: int) -> int:
    """Lines without a trial: each is heard as it is meant, or refused. Returns: how many were."""
    ours, theirs = socket.socketpair()
    channel, refused = Channel(ours), 0
    with contextlib.closing(ours), contextlib.closing(theirs):
        for _ in range(count):
            line = some_line(random, 160, harm=5.0).replace(b"\n", b" ")
            if len(line) > 100_000:  # more than a socket holds
                continue
            theirs.sendall(line + b"\n")
            try:
                heard = channel.receive(timeout=0)
            except ValueError:
                assert message_in(line) is None, f"refused {line[:200]!r}"
                refused += 1
                continue
            assert heard is not None, f"nothing was heard of {line[:200]!r}"
            checked(line, heard)
    return refused


# --- models and rows ---


def check_models(outcome: Outcome) -> None:
    """What could be read has the right form by hand, too; what has it could be read."""
    for model in outcome.judge.judged:
        assert weight_in(model) is not None, model[:300]
    for model in outcome.judge.refused:
        assert not is_plain(model), model[:300]


def check_rows(outcome: Outcome) -> None:
    """A row is of a model that was handed over, says what that is worth, and none moves back."""
    store, status = outcome.store, outcome.verdict.status
    seconds = [row.reading.seconds for row in store.rows]
    assert seconds == sorted(seconds)
    assert store.verdict is not None
    assert store.verdict.total is not None
    assert max(seconds, default=0.0) <= store.verdict.total.seconds + 1e-9
    known = {hashlib.sha256(model).hexdigest(): model for model in outcome.judge.judged}
    losses = []
    for row in store.rows:
        losses.append(loss_of(known[row.model_sha256]))
        assert same(row.metrics["validation/loss"], losses[-1])
    if outcome.mode in BY_STEPS:
        hits = [is_hit(row, loss) for row, loss in zip(store.rows, losses, strict=True)]
        assert not any(hits[:-1])
        assert (status is Status.TARGET_REACHED) == any(hits)
    elif status is Status.TARGET_REACHED:
        assert losses[-1] <= bounds()["target"]
    if store.model:
        assert hashlib.sha256(store.model).hexdigest() in known


def loss_of(model: bytes) -> float:
    weight = weight_in(model)
    assert weight is not None
    return distance(weight)


def is_hit(row: Row, loss: float) -> bool:
    return (
        loss <= bounds()["target"] and row.step <= bounds()["step_limit"]
        and row.reading.seconds <= bounds()["budget_seconds"]
    )


# --- what is written ---


def check_what_is_written(store: OnceEnded) -> None:
    assert len(store.reason) <= LONGEST_REASON + 2
    said = sum(len(line.encode("utf-8", "backslashreplace")) + 1 for line in store.lines)
    assert said <= LARGEST + LONGEST_MESSAGE


def written(store: OnceEnded, folder: Path) -> Trial:
    """What a store was given, written to disk and read back."""
    on_disk = TrialFolder(folder)
    on_disk.begin(store.header)
    for row in store.rows:
        on_disk.append(row)
    for line in store.lines:
        on_disk.log(line)
    if store.model:
        on_disk.keep(store.model)
    assert store.verdict is not None
    on_disk.finish(store.verdict)
    return read_trial(folder)


def check_what_is_read_back(outcome: Outcome, trial: Trial) -> None:
    rows = outcome.store.rows
    assert trial.status is outcome.verdict.status
    assert trial.steps.tolist() == [row.step for row in rows]
    assert trial.seconds.tolist() == [row.reading.seconds for row in rows]
    losses = [row.metrics["validation/loss"] for row in rows]
    found = trial.metrics.get("validation/loss", np.zeros(0))
    np.testing.assert_array_equal(found, losses)


# --- how it ends ---


def right_statuses(outcome: Outcome, heard: Sequence[Meant]) -> set[Status]:
    """How the trial may end, by the last thing that was heard."""
    expected = Expected(outcome)
    for number, (kind, fields) in enumerate(heard):
        end = expected.end_by(kind, fields)
        if end is not None:
            assert number == len(heard) - 1, "something was heard after the end"
            expected.assert_no_row_is_left()
            return {end}
    expected.assert_no_row_is_left()
    if outcome.player.refused:
        return {Status.DISQUALIFIED}
    match outcome.player.heard[-1:]:
        case [Exited(code)]:
            return {Status.KILLED if code in (-9, -15) else Status.CRASHED}
    return {Status.HUNG, Status.OUT_OF_TIME}  # it was silent


class Expected:
    """What a trial should come to, message by message, with the row that each should give."""

    def __init__(self, outcome: Outcome) -> None:
        self._models, self._rows = iter(outcome.player.models), iter(outcome.store.rows)
        self._judged = outcome.judge.judged
        self._is_ready = self._has_trained = False

    def assert_no_row_is_left(self) -> None:
        assert next(self._rows, None) is None

    def end_by(self, kind: str, fields: dict[str, Any]) -> Status | None:
        """None for a message after which it goes on."""
        match kind:
            case "Ready" if not self._is_ready:
                self._is_ready = True
                return None
            case "Logged":
                return None
            case "Finished":
                return Status.FINISHED
            case "Failed":
                is_memory = fields["kind"] == "MemoryError" or "out of memory" in fields["message"]
                return Status.OUT_OF_MEMORY if is_memory else Status.CRASHED
            case "Submitted" if self._is_ready:
                return self._end_by_model(fields)
        return Status.DISQUALIFIED

    def _end_by_model(self, fields: dict[str, Any]) -> Status | None:
        model = next(self._models)
        if model is None:
            return Status.DISQUALIFIED
        if model not in self._judged:
            return Status.CRASHED
        if fields.get("is_query", False):
            return None
        weight = weight_in(model)
        assert weight is not None
        if not self._has_trained and (weight == 0).all():
            return Status.CRASHED
        self._has_trained, row = True, next(self._rows)
        assert row.step == fields["step"]
        if is_hit(row, distance(weight)):
            return Status.TARGET_REACHED
        return Status.FINISHED if row.step >= bounds()["step_limit"] else None

"""What a hostile player may do over its link, by chance, and what must hold of a trial with it.

A script of bytes, models, counters and silence is played against the referee over a real socket, a
real board and a real mapping; the processes and the clock alone are pretended. Every choice comes
from one `Random`: of a seed, of hypothesis, or of a fuzzer's bytes. What should have come of it is
worked out once more from the bytes, by other code than the referee's.

Shared by the tests of the protocol and by benchmarks/protocol_fuzzing.py.
"""

import contextlib
import hashlib
import json
import math
import mmap
import os
import re
import socket
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from plans import plan
from played import HARDWARE, HEADER

from mlgolf.core.messages import Exited, Message
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Row
from mlgolf.core.records import TrialHeader, VerdictRecord
from mlgolf.core.status import Status, Verdict
from mlgolf.core.workload import SPLITS
from mlgolf.player.channel import LONGEST_MESSAGE, Channel
from mlgolf.player.handover import places
from mlgolf.referee.cores import ALL_CORES
from mlgolf.referee.evaluate import arrays_like
from mlgolf.referee.players import ProcessPlayer, connect
from mlgolf.referee.protocol import run_trial
from mlgolf.results.logged import LARGEST
from mlgolf.results.trial_folder import TrialFolder, read_trial
from mlgolf.testing.fakes import FakeClock, MemoryStore

TEMPLATE = {"weight": np.zeros((2, 3), np.float32), "steps": np.zeros((), np.int64)}
TARGET = 0.02  # of the loss, in played.py
STEP_LIMIT = 4000  # where the rules count steps


# --- what is sent ---


class Act(NamedTuple):
    """What a player does between two looks of the referee."""

    send: bytes = b""
    model: bytes | None = None  # lies in the mapping from then on
    cells: tuple[int, ...] = ()  # on the board from then on
    close: bool = False  # its end of the socket
    exit: int | None = None  # of its process, with this code


NUMBERS = (
    0, -1, 1, 7, 100, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 10**300, 10**400, True,
    0.5, 1.0, -0.0, 1e308, math.nan, math.inf, -math.inf,
)
TEXTS = (
    "", "x", "SubmissionError", "MemoryError", "out of memory", "\ud800", "\x00\x1b[2J", "a\nb",
    "step 3: loss=0", "é" * 50, "\U0001f600" * 30, "x" * 300, "x" * 70_000, "loss_fn",
    "set loss_fn",
)
TYPES = (
    "F32", "F64", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F4", "C64", "I64", "I8", "U8", "BOOL",
    "f32", "", "\x00", "V", 5, None,
)
BITS = {"F64": 64, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F4": 4, "C64": 64, "I64": 64,
        "I8": 8, "U8": 8, "BOOL": 8}  # fmt: skip
SHAPES = (
    [], [0], [6], [3, 2], [2, 3], [1, 2, 3], [2, 3, 1], [1] * 64, [1] * 65, [0, 2**62], [0, 2**63],
    [2**64], [-1, 6], [2.0, 3], "23", None, [2**32, 2**32],
)  # fmt: skip


def nested(random: Random) -> Any:
    value: Any = random.choice([1, "x", [], {}])
    for _ in range(random.choice([1, 3, 100, 250])):
        value = random.choice([[value], {"a": value}])
    return value


def anything(random: Random) -> Any:
    return random.choice([
        lambda: random.choice(NUMBERS), lambda: random.choice(TEXTS), lambda: None, list,
        dict, lambda: [1], lambda: {"a": 1}, lambda: nested(random),
        lambda: {random.choice(TEXTS): random.choice(NUMBERS) for _ in range(3)},
        lambda: {f"n{n}": n for n in range(120)},
    ])()


def some_step(random: Random) -> int:
    return random.choice([0, 1, 5, 99, 100, 200, 300, 3999, 5, 7, 30, 4000, 2**53 - 1])


def counts(random: Random) -> dict[str, int]:
    return {} if random.random() < 0.7 else {"loss_fn": 3, "set loss_fn": random.randrange(9)}


def envelope(random: Random, length: int) -> dict[str, Any]:
    """A message as a player may send it. Args: length: of the model that lies there."""
    step = some_step(random)
    kinds = [*12 * ["Submitted"], *4 * ["Logged"], "Finished", "Failed"]
    if random.random() < 0.05:
        kinds = ["Ready", "Evaluated", "Begin", "Stop", "Exited"]  # not its to send, or not then
    kind = random.choice(kinds)
    fields: dict[str, Any] = {
        "Ready": lambda: {"versions": {"torch": "2"}},
        "Submitted": lambda: {
            "step": step, "length": length, "is_query": random.random() < 0.3,
            "touched": counts(random),
        },
        "Logged": lambda: {"step": step, "values": {"loss": random.choice([0.5, 1, math.nan])}},
        "Finished": lambda: {"step": step, "reason": "done", "touched": counts(random)},
        "Failed": lambda: {
            "step": step, "kind": random.choice(TEXTS[:5]), "message": random.choice(TEXTS),
            "traceback": "Traceback", "peak_bytes": 5,
        },
        "Evaluated": lambda: {"step": step, "metrics": {}, "train_state": {}},
        "Exited": lambda: {"code": -9},
    }.get(kind, dict)()
    return {"message": kind, "fields": fields}


def other_value(random: Random, message: dict[str, Any]) -> dict[str, Any]:
    """A value somewhere in it becomes another, or goes, or gets company."""
    node = message
    while True:
        key = random.choice([*node, "more"])
        deeper = node.get(key)
        if isinstance(deeper, dict) and deeper and random.random() < 0.8:
            node = deeper
            continue
        if random.random() < 0.2:
            node.pop(key, None)
        elif random.random() < 0.1:
            node[random.choice(["message", "step", "\ud800", "self", ""])] = node.pop(key, 1)
        else:
            node[key] = anything(random)
        return message


def other_bytes(random: Random, line: bytes) -> bytes:
    at = random.randrange(len(line) + 1)
    return random.choice([
        lambda: line[:at], lambda: line[at:], lambda: line[:at] + b"\n" + line[at:],
        lambda: line[:at] + bytes([random.randrange(256)]) + line[at + 1 :],
        lambda: line[:at] + bytes([random.randrange(256)]) + line[at:],
        lambda: line[:at] + b"1" * random.choice([30, 5000]) + line[at:],
        lambda: b"[" * random.choice([10, 900, 5000]), lambda: b'{"a":' * 2000, lambda: b"",
        lambda: b" " + line + b"\r", lambda: b"\xef\xbb\xbf" + line, lambda: line + line,
        lambda: line.decode("utf-8", "replace").encode("utf-16"),
        lambda: line.replace(b'"fields"', b'"message": "Finished", "fields"'),
        lambda: line.replace(b'"step":', b'"step": 5, "step":'),
        lambda: b"null", lambda: b"[1]", lambda: b'"Ready"', lambda: random.randbytes(20),
        lambda: line[:-1] + b" " * (LONGEST_MESSAGE - len(line) + random.choice([0, 1])) + b"}",
    ])()  # fmt: skip


def some_line(random: Random, length: int, harm: float = 1.0) -> bytes:
    """Without its end. Args: harm: how often it is no message, against a script's."""
    message = envelope(random, length)
    if message["message"] == "Submitted" and random.random() < 0.04:
        message["fields"]["length"] = random.choice(
            [length - 1, length + 1, 0, -1, 8, 4096, 4097, 2**63, 2**64, 10**30]
        )
    if random.random() < 0.08 * harm:
        message = other_value(random, message)
    try:
        line = json.dumps(message, ensure_ascii=random.random() < 0.7).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, RecursionError):
        line = b"{}"
    return other_bytes(random, line) if random.random() < 0.04 * harm else line


def fits(shape: Any) -> bool:
    return (
        isinstance(shape, list) and all(type(side) is int for side in shape)
        and 0 <= math.prod(shape) < 100
    )


def laid_out(header: Any, values: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def some_model(random: Random) -> bytes:
    """Mostly of the right form; its loss is how far its weights are from 1."""
    far = random.choice([0.0, 0.14, 0.15, *10 * [0.5], 0.9, 1.0, 1e30, math.nan, math.inf])
    weight = np.full((2, 3), 1.0 - far, np.float32)
    arrays = {"weight": weight, "steps": np.array(random.randrange(5), np.int64)}
    header = {
        "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "steps": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
    }
    values = b"".join(array.tobytes() for array in arrays.values())
    if random.random() < 0.85:
        return places(arrays)[0] + values
    if random.random() < 0.8:
        entry: Any = header[random.choice(["weight", "steps"])]
        match random.randrange(5):
            case 0:
                kind = random.choice(TYPES)
                size = BITS.get(kind, 32) * 24 // 8
                header = {"weight": {"dtype": kind, "shape": [24], "data_offsets": [0, size]}}
                values = bytes(size)
            case 1:
                shape = random.choice(SHAPES)
                size = 4 * math.prod(shape) if fits(shape) else 24
                header = {"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}
                values = bytes(size)
            case 2:
                entry["data_offsets"] = random.choice(
                    [[0, 0], [24, 0], [0, 24], [24, 2**63], [-1, 24], [0], None, [8, 32], [0, 1e3]]
                )
            case 3:
                header = {**header, random.choice(["more", "", "\x00", "__metadata__"]): entry}
            case _:
                entry[random.choice(["more", "dtype"])] = anything(random)
    try:
        model = laid_out(header, values)
    except (ValueError, RecursionError):
        return b""
    if random.random() < 0.3:
        at = random.randrange(len(model))
        model = random.choice([
            model[:at], model[:at] + bytes([random.randrange(256)]) + model[at + 1 :],
            random.choice([0, 1, 2**31, 2**63, 2**64 - 1]).to_bytes(8, "little") + model[8:],
            model + b"\0", laid_out(b"[" * 500, b""), laid_out(b'{"a":' * 200, b""),
        ])
    return model


def some_script(random: Random) -> list[Act]:
    """It says Ready first, mostly, and then anything; at its end it is silent, gone or dead."""
    acts: list[Act] = []
    model = b""
    if random.random() < 0.95:
        acts.append(Act(b'{"message": "Ready", "fields": {}}\n'))
    for _ in range(random.randrange(1, 20)):
        if not model or random.random() < 0.5:
            model = some_model(random)
            acts.append(Act(model=model))
        if random.random() < 0.1:
            acts.append(Act(cells=tuple(random.choice(NUMBERS[:9]) for _ in range(3))))
        line = some_line(random, len(model)) + (b"\n" if random.random() < 0.97 else b"")
        cut = random.randrange(len(line) + 1) if random.random() < 0.2 else 0
        acts += [Act(part) for part in (line[:cut], line[cut:]) if part]
        if random.random() < 0.1:
            acts.append(Act())
    if random.random() < 0.3:  # several lines at once
        at = random.randrange(len(acts))
        acts[at:] = [Act(b"".join(act.send for act in acts[at:])), *acts[at:][-1:]]
    if random.random() < 0.3:
        acts.append(Act(close=True))
    elif random.random() < 0.3:
        acts.append(Act(exit=random.choice([0, 1, 3, -9, -11, -15])))
    return acts


# --- against whom ---


class PretendedProcess:
    """What a HeldProcess is to a player: it ends when the script says so."""

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self._silent = os.eventfd(0)

    def fileno(self) -> int:
        return self._silent

    def poll(self) -> int | None:
        return self.exit_code

    def cpu_seconds(self) -> float:
        return 0.0

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...

    def stop(self) -> None:
        os.close(self._silent)

    def record(self) -> dict[str, str]:
        return {"files": "private", "cpu_time_source": "none"}


class HostilePlayer(ProcessPlayer):
    """Acts out a script, an act at each look of the referee, and keeps what was heard of it."""

    def __init__(self, acts: Sequence[Act], clock: "HastyClock") -> None:
        self._acts, self._clock = list(acts), clock
        self.heard: list[Message | None] = []
        self.refused = ""
        self.models: list[bytes | None] = []  # taken by the referee; None: there was no such length

    def start(self, plan: TrialPlan, capacity: int) -> "HostilePlayer":
        ends, self._theirs = connect(capacity)
        self._theirs.connection.setblocking(False)
        self._written = mmap.mmap(self._theirs.mapping, os.fstat(self._theirs.mapping).st_size)
        self._cells = memoryview(mmap.mmap(self._theirs.board, mmap.PAGESIZE)).cast("q")
        self._process = PretendedProcess()
        held: Any = self._process
        super().__init__(ends, held, "process", ALL_CORES, kills_before=1 << 62)
        self._unsent = b""
        return self

    def receive(self, timeout: float) -> Message | None:
        self._act()
        try:
            message = super().receive(0)
        except ValueError as error:
            self.refused = str(error)
            raise
        self.heard.append(message)
        return message

    def model(self, length: int) -> bytes:
        self.models.append(None)
        self.models[-1] = super().model(length)
        return self.models[-1]

    def _exit_code(self, patience: float = 0.0) -> int | None:
        return super()._exit_code(patience)

    def _act(self) -> None:
        ends = self._theirs
        with contextlib.suppress(OSError):
            ends.connection.recv(1 << 20)  # it listens, and does not mind what it hears
        if not self._unsent:
            if not self._acts:
                if not self._channel.has_message():
                    self._clock.hurry()
                return
            act = self._acts.pop(0)
            if act.model is not None:
                self._written[: len(act.model)] = act.model[: len(self._written)]
            for place, cell in enumerate(act.cells):
                self._cells[place] = int(cell) if abs(cell) < 2**63 else -1
            self._unsent = act.send
            if act.exit is not None:
                self._process.exit_code = act.exit
            if act.close:
                ends.connection.close()
        if self._unsent:
            with contextlib.suppress(BlockingIOError):
                self._unsent = self._unsent[ends.connection.send(self._unsent) :]

    def stop(self) -> None:
        super().stop()
        self._theirs.close()
        self._written.close()


class HastyClock(FakeClock):
    """Runs faster once nothing more is to come."""

    def hurry(self) -> None:
        self._per_read = max(self._per_read, 5.0)


class Judge:
    """An evaluator that reads models as the real one does; its loss is how far weights are from 1.

    Attributes: judged: the models that could be read. refused: those that could not.
    """

    capacity = 64
    splits = SPLITS

    def __init__(self) -> None:
        self.judged: list[bytes] = []
        self.refused: list[bytes] = []

    def warm_up(self) -> None: ...

    def untrained(self, seed: int) -> dict[str, NDArray]:
        return {"weight": TEMPLATE["weight"]}

    def parameters(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return {"weight": arrays["weight"]}

    def read(self, model: bytes) -> dict[str, NDArray]:
        self.refused.append(model)
        arrays = arrays_like(TEMPLATE, model, "linear")
        self.judged.append(self.refused.pop())
        return arrays

    def evaluate(
        self, arrays: Mapping[str, NDArray], splits: Sequence[str]
    ) -> dict[str, float]:
        return {f"{split}/loss": distance(arrays["weight"]) for split in splits}


@np.errstate(all="ignore")
def distance(weight: NDArray) -> float:
    return float(np.square(weight.astype(np.float64) - 1.0).mean())


class BothStores(MemoryStore):
    """Keeps what it is given, and writes it to a folder as well where there is one."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self._on_disk = TrialFolder(folder) if folder else None
        self.ends = 0

    def begin(self, header: TrialHeader) -> None:
        super().begin(header)
        if self._on_disk:
            self._on_disk.begin(header)

    def append(self, row: Row) -> None:
        super().append(row)
        if self._on_disk:
            self._on_disk.append(row)

    def keep(self, model: bytes) -> None:
        super().keep(model)
        if self._on_disk:
            self._on_disk.keep(model)

    def log(self, text: str) -> None:
        super().log(text)
        if self._on_disk:
            self._on_disk.log(text)

    def finish(self, verdict: VerdictRecord) -> None:
        super().finish(verdict)
        self.ends += 1
        if self._on_disk:
            self._on_disk.finish(verdict)


# --- what must hold ---


class Mode(NamedTuple):
    plan: TrialPlan
    per_read: float = 0.001
    work: float = 0.0


@cache
def modes() -> dict[str, Mode]:
    by_clock = {"eval_every_steps": None, "eval_every_seconds": 7.0}
    own_pace = plan().workload_rules.model_copy(update=by_clock)
    silent = plan().rules.model_copy(update={"feedback": ("train",), "keep_model": True})
    return {
        "plain": Mode(plan()), "costly": Mode(plan(), 0.5, 2.0),
        "silent": Mode(plan(rules=silent), 0.1),
        "entry": Mode(plan(workload_rules=own_pace, contract="entry"), 1.0),
        "replay": Mode(plan(evaluate_at=(5, 100, 300), keep_step=100)),
    }


@cache
def hasty_hardware() -> Any:
    limits = HARDWARE.limits.model_copy(update={"setup_seconds": 0.03})
    return HARDWARE.model_copy(update={"limits": limits})


class Outcome(NamedTuple):
    verdict: Verdict
    store: BothStores
    player: HostilePlayer
    judge: Judge
    acts: Sequence[Act]
    mode: str


def played(acts: Sequence[Act], mode: str = "plain", folder: Path | None = None) -> Outcome:
    """Args: folder: a new one, to which the trial is written, too."""
    rules, per_read, work = modes()[mode]
    clock = HastyClock(per_read, work)
    player, store, judge = HostilePlayer(acts, clock), BothStores(folder), Judge()
    verdict = run_trial(
        rules, player, clock=clock, store=store, evaluator=judge, header=HEADER,
        hardware=hasty_hardware(),
    )
    return Outcome(verdict, store, player, judge, acts, mode)


def check(outcome: Outcome, folder: Path | None = None) -> None:
    """Raises: AssertionError if the referee heard, wrote or ruled anything that it must not."""
    lines = check_what_was_heard(outcome)
    check_models(outcome)
    check_rows(outcome)
    check_what_is_written(outcome)
    if outcome.mode in ("plain", "costly", "silent"):
        check_the_status(outcome, lines)
    if folder:
        check_the_folder(outcome, folder)


def check_what_was_heard(outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
    """Every line in its order, none that is malformed. Returns: those that were heard, by hand."""
    player = outcome.player
    *lines, rest = b"".join(act.send for act in outcome.acts).split(b"\n")
    heard = [message for message in player.heard if message and not isinstance(message, Exited)]
    told = []
    for line, message in zip(lines, heard, strict=False):
        found = by_hand(line)
        assert found is not None, f"heard {line[:200]!r}"
        assert found[0] == type(message).__name__
        for name, value in found[1].items():
            assert same(getattr(message, name), value), (name, line[:200])
        told.append(found)
    assert len(heard) <= len(lines)
    if player.refused and "bytes in a mapping" not in player.refused:
        refused = lines[len(heard)] if len(heard) < len(lines) else rest
        assert by_hand(refused) is None, f"refused {refused[:200]!r}"
    if any(isinstance(message, Exited) for message in player.heard):
        assert len(heard) == len(lines), "it ended, and something that it had said was not heard"
    return told


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        other = float(other)  # a number is taken as a float, whole or not
    return one == other or (one != one and other != other)


def is_count(value: Any, end: int) -> bool:
    return type(value) is int and 0 <= value < end


def is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 10**308)


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
            meant = by_hand(line)
            try:
                message = channel.receive(timeout=0)
            except ValueError:
                assert meant is None, f"refused {line[:200]!r}"
                refused += 1
                continue
            assert meant is not None, f"heard {line[:200]!r}"
            assert meant[0] == type(message).__name__
            assert all(same(getattr(message, name), meant[1][name]) for name in meant[1])
    return refused


def is_touched(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 100 and all(
        len(name) <= 80 and re.fullmatch("(set )?[A-Za-z_][A-Za-z0-9_]*", name)
        and is_count(number, 2**53) for name, number in value.items()
    )


def is_word(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(
        "[^\x00-\x1f\x7f\ud800-\udfff]{0,200}", value
    ) is not None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


STEP = lambda value: is_count(value, 2**53)  # noqa: E731
SPECIFIED = {  # kind -> field -> (what it must be, whether it must be there)
    "Ready": {"versions": (
        lambda value: isinstance(value, dict) and len(value) <= 100
        and all(map(is_word, [*value, *value.values()])), False,
    )},
    "Submitted": {
        "step": (STEP, True), "length": (lambda value: type(value) is int, True),
        "is_query": (lambda value: type(value) is bool, False), "touched": (is_touched, False),
    },
    "Logged": {"step": (STEP, True), "values": (
        lambda value: isinstance(value, dict) and all(map(is_number, value.values())), True,
    )},
    "Finished": {"step": (STEP, True), "reason": (is_text, True), "touched": (is_touched, False)},
    "Failed": {
        "step": (STEP, True), "kind": (is_text, True), "message": (is_text, True),
        "traceback": (is_text, True), "peak_bytes": (lambda value: is_count(value, 2**63), False),
    },
    "Begin": {}, "Stop": {},
    "Evaluated": {
        "step": (STEP, True),
        "metrics": (lambda v: isinstance(v, dict) and all(map(is_number, v.values())), True),
        "train_state": (lambda value: isinstance(value, dict), True),
    },
}  # fmt: skip


def by_hand(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Kind and fields of a line that is a message, as the protocol describes them; else None."""
    if len(line) > LONGEST_MESSAGE:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or {*found} != {"message", "fields"}:
        return None
    kind, fields = found["message"], found["fields"]
    if not isinstance(kind, str) or kind not in SPECIFIED or not isinstance(fields, dict):
        return None
    known = SPECIFIED[kind]
    there = all(name in fields or not needed for name, (_, needed) in known.items())
    right = all(name in known and known[name][0](value) for name, value in fields.items())
    return (kind, fields) if there and right else None


def check_models(outcome: Outcome) -> None:
    """What could be read has the right form by hand, too; what has it could be read."""
    for model in outcome.judge.judged:
        assert weight_by_hand(model) is not None, model[:300]
    for model in outcome.judge.refused:
        assert not is_plain(model), model[:300]


def weight_by_hand(model: bytes) -> NDArray | None:
    """The weight of a model of the right form; None for any other."""
    count = int.from_bytes(model[:8], "little")
    try:
        header = json.loads(model[8 : 8 + count])
        header.pop("__metadata__", None)
        if {*header} != {*TEMPLATE}:
            return None
        for name, array in TEMPLATE.items():
            start, end = header[name]["data_offsets"]
            kind = {"float32": "F32", "int64": "I64"}[array.dtype.name]
            if (header[name]["dtype"], header[name]["shape"], end - start) != (
                kind, [*array.shape], array.nbytes
            ):
                return None
        start, end = header["weight"]["data_offsets"]
        values = model[8 + count :]
        return np.frombuffer(values[start:end], np.float32).reshape(2, 3)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def is_plain(model: bytes) -> bool:
    """Whether it is laid out as `player/handover.py` does it."""
    weight = weight_by_hand(model)
    if weight is None:
        return False
    start, _, total = places(TEMPLATE)
    return len(model) == total and model.startswith(start)


def check_rows(outcome: Outcome) -> None:
    """A row is of a model that was handed over, says what that is worth, and none moves back."""
    store, known = outcome.store, {
        hashlib.sha256(model).hexdigest(): model for model in outcome.judge.judged
    }
    seconds = [row.reading.seconds for row in store.rows]
    assert seconds == sorted(seconds)
    assert not seconds or store.verdict is None or store.verdict.total is None or (
        seconds[-1] <= store.verdict.total.seconds + 1e-9
    )
    meets = []
    for row in store.rows:
        weight = weight_by_hand(known[row.model_sha256])
        assert weight is not None
        loss = distance(weight)
        assert same(row.metrics["validation/loss"], loss)
        meets.append(is_hit(row, loss))
    if outcome.mode in ("plain", "costly", "silent"):
        assert not any(meets[:-1])
        assert (outcome.verdict.status is Status.TARGET_REACHED) == any(meets)
    elif outcome.verdict.status is Status.TARGET_REACHED:
        assert distance(weight_by_hand(known[store.rows[-1].model_sha256])) <= TARGET
    if store.model:
        assert hashlib.sha256(store.model).hexdigest() in known


def is_hit(row: Row, loss: float) -> bool:
    return loss <= TARGET and row.step <= STEP_LIMIT and row.reading.seconds <= 30


def check_what_is_written(outcome: Outcome) -> None:
    store = outcome.store
    assert store.ends == 1
    assert store.verdict is not None
    assert len(store.reason) <= 5_010
    written = sum(len(line.encode("utf-8", "backslashreplace")) + 1 for line in store.lines)
    assert written <= LARGEST + LONGEST_MESSAGE


def check_the_status(outcome: Outcome, told: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """How it ended is what the last thing that was heard comes to."""
    end = expected(outcome, told)
    assert outcome.verdict.status in end, (outcome.verdict, end)


SILENCE = {Status.HUNG, Status.OUT_OF_TIME}


def expected(
    outcome: Outcome, told: Sequence[tuple[str, dict[str, Any]]]
) -> set[Status]:
    is_ready, models, rows = False, iter(outcome.player.models), iter(outcome.store.rows)
    trained = 0
    for number, (kind, fields) in enumerate(told):
        end: Status | None = None
        match kind:
            case "Ready" if not is_ready:
                is_ready = True
            case "Logged":
                pass
            case "Finished":
                end = Status.FINISHED
            case "Failed":
                is_memory = fields["kind"] == "MemoryError" or "out of memory" in fields["message"]
                end = Status.OUT_OF_MEMORY if is_memory else Status.CRASHED
            case "Submitted" if is_ready:
                model = next(models)
                if model is None:
                    end = Status.DISQUALIFIED
                elif model not in outcome.judge.judged:
                    end = Status.CRASHED
                elif not fields.get("is_query", False):
                    weight = weight_by_hand(model)
                    assert weight is not None
                    if not trained and (weight == 0).all():
                        end = Status.CRASHED
                    else:
                        trained, row = trained + 1, next(rows)
                        assert row.step == fields["step"]
                        if is_hit(row, distance(weight)):
                            end = Status.TARGET_REACHED
                        elif row.step >= STEP_LIMIT:
                            end = Status.FINISHED
            case _:
                end = Status.DISQUALIFIED
        if end is not None:
            assert number == len(told) - 1, "something was heard after the end"
            assert next(rows, None) is None
            return {end}
    assert next(rows, None) is None
    if outcome.player.refused:
        return {Status.DISQUALIFIED}
    if outcome.player.heard and isinstance(outcome.player.heard[-1], Exited):
        code = outcome.player.heard[-1].code
        return {Status.KILLED if code in (-9, -15) else Status.CRASHED}
    return SILENCE


def check_the_folder(outcome: Outcome, folder: Path) -> None:
    """What is read back from disk is what was ruled."""
    trial = read_trial(folder)
    rows = outcome.store.rows
    assert trial.status is outcome.verdict.status
    assert trial.steps.tolist() == [row.step for row in rows]
    assert trial.seconds.tolist() == [row.reading.seconds for row in rows]
    losses = [row.metrics["validation/loss"] for row in rows]
    found = trial.metrics.get("validation/loss", np.zeros(0))
    np.testing.assert_array_equal(found, losses)


def play_and_check(random: Random, folder: Path | None = None) -> Outcome:
    """A trial of a chance script in a chance mode."""
    mode = random.choice([*modes(), "plain"])
    outcome = played(some_script(random), mode, folder)
    check(outcome, folder)
    return outcome

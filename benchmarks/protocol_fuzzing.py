"""Does anything that a player sends make the referee fail, wait, or rule wrongly?

    python benchmarks/protocol_fuzzing.py [200000] [SEED]

Four fifths of so many messages are lines alone, which a channel hears or refuses; the others are
said in trials of hostile players. Each is checked as the tests do (tests/hostile/checks.py). Where
`atheris` is installed (pip install atheris), half of the trials are guided by coverage: of whole
scripts, and of bytes alone. Prints what was sent, how trials ended, which lines of the referee ran,
and what was found. Exits with 1 if anything was.
"""

import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from inspect import CO_OPTIMIZED
from pathlib import Path
from random import Random
from types import CodeType, FrameType, ModuleType
from typing import Any, NoReturn

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from common import print_machine
from hostile.checks import check, hear_and_check, play_and_check
from hostile.scripts import READY, Act, some_script
from hostile.trial import played

from mlgolf.core import messages
from mlgolf.player import channel
from mlgolf.referee import endings, heartbeat, measuring, protocol, rulings

LOOKED_AT = (messages, channel, protocol, endings, rulings, measuring, heartbeat)
LONGEST_SECONDS = 10.0  # of one trial: what takes longer hangs
ON_DISK = 50  # of so many trials one is written to a folder, too


class Figures:
    """What was sent and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.trials = self.messages = self.refused = 0
        self.slowest = 0.0
        self.ends: Counter[str] = Counter()
        self.found: dict[str, str] = {}  # by the place that failed, the first of its kind
        self.folder, self._began = folder, time.perf_counter()

    def play(self, name: str, play: Callable[[Path | None], Any]) -> None:
        """Args: name: of what is played, for who wants it again."""
        self.trials += 1
        folder = self.folder / str(self.trials) if self.trials % ON_DISK == 0 else None
        began = time.perf_counter()
        try:
            outcome = play(folder)
        except Exception as error:
            self._find(name, error)
            return
        took = time.perf_counter() - began
        self.slowest = max(self.slowest, took)
        if took > LONGEST_SECONDS:
            self.found.setdefault("slow", f"{name}: {took:.0f} s")
        heard = [message for message in outcome.player.heard if message is not None]
        self.messages += len(heard) + bool(outcome.player.refused)
        self.ends[outcome.verdict.status] += 1

    def hear(self, seed: int, count: int) -> None:
        """Lines without a trial."""
        try:
            self.refused += hear_and_check(Random(seed), count)
            self.messages += count
        except Exception as error:
            self._find(f"seed {seed}", error)
            self.finish()

    def _find(self, name: str, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        self.found.setdefault(f"{place.filename}:{place.lineno}", f"{name}: {error!r}"[:1000])

    def finish(self) -> NoReturn:
        """Say it, and end the process: a fuzzer would go on."""
        self._show()
        sys.stdout.flush()
        os._exit(1 if self.found else 0)

    def _show(self) -> None:
        seconds = time.perf_counter() - self._began
        ends = ", ".join(f"{count:,} {status}" for status, count in self.ends.most_common())
        print(
            f"  {self.messages:,} messages, {self.trials:,} trials, {seconds:.0f} s, the slowest "
            f"trial {self.slowest:.1f} s\n  {ends or f'{self.refused:,} refused'}", flush=True
        )
        for place, what in self.found.items():
            print(f"  FOUND at {place}\n    {what}")


def by_seeds(figures: Figures, count: int, seed: int) -> None:
    while figures.messages < count:
        chance = Random(seed)
        figures.play(f"seed {seed}", lambda folder, chance=chance: play_and_check(chance, folder))
        seed += 1


class Choices(Random):
    """Chance that a fuzzer's bytes decide; what is likely, and the first, once they are used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data, self._at = data, 0

    def getrandbits(self, k: int) -> int:
        size = (k + 7) // 8
        taken = self._data[self._at : self._at + size].ljust(size, b"\0")
        self._at += size
        return int.from_bytes(taken, "little") & ((1 << k) - 1)

    def random(self) -> float:
        return self.getrandbits(16) / (1 << 16) if self._at < len(self._data) else 0.999


def as_bytes(data: bytes, folder: Path | None) -> Any:
    """Bytes as they come, after Ready: cut in two at a place that the first of them says."""
    cut = data[0] if data else 0
    acts = [READY, Act(data[1 : cut + 1]), Act(data[cut + 1 :]), Act(close=len(data) % 2 == 1)]
    outcome = played(acts)
    check(outcome, folder)
    return outcome


def guided(figures: Figures, count: int, seed: int, *, raw: bool) -> None:
    """By atheris, in a process of its own: it ends the process that it runs in."""
    import atheris

    def one(data: bytes) -> None:
        play = (lambda folder: as_bytes(data, folder)) if raw else (
            lambda folder: play_and_check(Choices(data), folder)
        )
        figures.play(f"bytes {data.hex()}", play)
        if figures.messages >= count:
            figures.finish()

    for module in LOOKED_AT:
        instrument(atheris, module)
    longest = 600 if raw else 2000
    atheris.Setup(
        ["fuzz", f"-seed={seed + 1}", f"-max_len={longest}", "-len_control=0", "-verbosity=0",
         str(beginnings(figures, Random(seed), longest, raw=raw))], one,
    )  # fmt: skip
    atheris.Fuzz()


def instrument(atheris: ModuleType, module: ModuleType) -> None:
    """Have its functions report what they reach."""
    for holder in (module, *(kind for kind in vars(module).values() if isinstance(kind, type))):
        for value in list(vars(holder).values()):
            code = getattr(value, "__code__", None)
            if code is not None and value.__module__ == module.__name__:
                atheris.instrument_func(value)


def beginnings(figures: Figures, random: Random, longest: int, *, raw: bool) -> Path:
    """A folder of what the fuzzer starts from: what the tests send, or chance for a script."""
    folder = figures.folder / "beginnings"
    folder.mkdir()
    for number in range(100):
        sent = b"\x20" + b"".join(act.send for act in some_script(random)[1:])
        (folder / str(number)).write_bytes(sent[:longest] if raw else random.randbytes(longest))
    return folder


def lines_reached(play: Callable[[], None]) -> str:
    """In words: which share of the lines of each module ran."""
    files = {module.__file__: module for module in LOOKED_AT}
    reached: set[tuple[str, int]] = set()

    def local(frame: FrameType, event: str, arg: object) -> Any:
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    sys.settrace(lambda frame, *_: local if frame.f_code.co_filename in files else None)
    try:
        play()
    finally:
        sys.settrace(None)
    told = []
    for file, module in files.items():
        lines = lines_of(compile(Path(file or "").read_text(), str(file), "exec"))
        ran = sum((file, line) in reached for line in lines)
        told.append(f"{module.__name__.removeprefix('mlgolf.')} {ran} of {len(lines)}")
    return ", ".join(told)


def lines_of(code: CodeType) -> set[int]:
    """Lines of the functions in it; those that run when it is imported are left out."""
    own = {line for _, _, line in code.co_lines() if line and line != code.co_firstlineno}
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    is_function = bool(code.co_flags & CO_OPTIMIZED)
    return set().union(own if is_function else (), *map(lines_of, inner))


def lines_alone(figures: Figures, count: int, seed: int) -> None:
    while figures.messages < count:
        figures.hear(seed, min(1000, count - figures.messages))
        seed += 1


def main(count: int = 200_000, seed: int = 0) -> int:
    print_machine()
    parts: dict[str, tuple[Callable[..., None], int]] = {
        "lines alone": (lines_alone, count * 4 // 5),
        "trials, by seeds": (by_seeds, count // 10),
    }
    if find_spec("atheris"):
        parts["trials of scripts, guided by coverage"] = partial(guided, raw=False), count // 20
        parts["trials of bytes, guided by coverage"] = partial(guided, raw=True), count // 20
    else:
        print("atheris is not installed (pip install atheris): by seeds alone")
        parts["trials, by seeds"] = by_seeds, count // 5
    failed = [name for name, part in parts.items() if in_a_child(name, *part, seed)]
    with tempfile.TemporaryDirectory() as folder:
        figures = Figures(Path(folder))
        reached = lines_reached(lambda: by_seeds(figures, 2_000, seed))
    print(f"lines of functions that 2,000 messages in trials reach: {reached}")
    return 1 if failed else 0


def in_a_child(name: str, part: Callable[..., None], count: int, seed: int) -> bool:
    """Whether anything was found."""
    print(f"{name}:", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            figures = Figures(Path(folder))
            part(figures, count, seed)
            figures.finish()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

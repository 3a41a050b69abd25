"""A new game from a host's data: a folder that plays as it is, and says what was guessed.

    NAME/competition.toml  graph.toml  data.toml  data.csv, data.npz or generate.py
    NAME/baseline/entry_torch.py  entry_jax.py
    NAME/README.md         for players

A game of bits from a text has other files: open_text.py.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import DataError
from mlgolf.core.quantities import quantities
from mlgolf.core.target import Goal
from mlgolf.golf.arrays import read_arrays, read_program
from mlgolf.golf.examples import Examples, Wishes
from mlgolf.golf.images import read_images
from mlgolf.golf.open_text import (
    BASELINE,
    FILE,
    KEYS,
    OBJECTIVE,
    OpenText,
    open_competition_toml,
    read_open_text,
)
from mlgolf.golf.open_text import STARTER as OPEN_STARTER
from mlgolf.golf.tables import read_columns
from mlgolf.golf.texts import SUFFIXES, read_text
from mlgolf.golf.written import (
    FitNumbers,
    Numbers,
    competition_toml,
    data_toml,
    graph_toml,
    hidden_units,
    open_readme,
    readme,
)
from mlgolf.referee.freeze import DISCLOSURE

NAME = "[a-z0-9][a-z0-9-]*"
TWIN_SHARE = 0.2
LOSS_SHARE, WORST_FACTOR = 0.01, 10  # of the loss of a constant answer; of the bound on the mean
STARTER = Path(__file__).with_name("starter")
BASELINES = ("entry_torch.py", "entry_jax.py", DISCLOSURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a host asks for. None: guessed, and said."""

    name: str
    source: Path
    folder: Path  # in which the game's own folder is made
    title: str | None = None
    objective: str | None = None
    budget_seconds: float | None = None
    licence: str | None = None
    origin: str | None = None
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A game that was made, and what was guessed: a sentence each, with what to edit."""

    folder: Path
    guesses: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "guesses": list(self.guesses)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The files of a game, by name, and what was guessed."""

    files: Mapping[str, bytes]
    baseline: Mapping[str, Path]  # what each file of the baseline is a copy of
    guesses: tuple[str, ...]


def new_game(request: Request) -> Made:
    """Make the folder, whole or not at all.

    Raises: MLGolfError that lists all that is wrong with the request and with the data.
    """
    target = request.folder / request.name
    problems = [*_problems(request, target)]
    made = None
    try:
        made = _read(request)
    except DataError as error:
        problems.append(str(error))
    if problems or made is None:
        raise DataError("\n".join(problems))
    content = made()
    request.folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{request.name}-", dir=request.folder))
    try:
        _write(unfinished, content)
        load_competition(unfinished).workload_of(request.name)  # what we wrote can be played
        unfinished.chmod(0o755)
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return Made(folder=target, guesses=content.guesses)


def _read(request: Request) -> Callable[[], Content]:
    """Reads the source; what is returned makes the files of it. Raises: DataError."""
    if request.objective == OBJECTIVE:
        return partial(_open_content, request, read_open_text(request.source, request.wishes))
    return partial(_content, request, read_examples(request.source, request.wishes))


def read_examples(path: Path, wishes: Wishes) -> Examples:
    """What lies at a path. Raises: DataError, a line for each thing that is wrong."""
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if path.is_dir():
        return read_images(path)
    readers: dict[str, Callable[[Path, Wishes], Examples]] = {
        ".csv": read_columns, ".npz": read_arrays, ".py": read_program,
        **dict.fromkeys(SUFFIXES, read_text),
    }
    reader = readers.get(path.suffix.lower(), read_text if wishes.kind == "text" else None)
    if reader is None:
        raise DataError(
            f"{path}: found {path.suffix or 'no ending'!r}; a game is made from a folder of images "
            f"(a folder for each class) or a file {', '.join(readers)}. --kind text reads any file"
        )
    return reader(path, wishes)


def objectives() -> list[str]:
    """Quantities that a game may minimise: of a model itself, where models of one graph differ."""
    return [
        name for name, declared in quantities().items()
        if declared.measure is not None and declared.goal is Goal.MINIMISE and name != "params"
    ]


def _problems(request: Request, target: Path) -> Sequence[str]:
    problems = []
    if not re.fullmatch(NAME, request.name):
        problems.append(
            f"NAME: found {request.name!r}, allowed are small letters, digits and dashes"
        )
    elif target.exists():
        problems.append(
            f"{target}: is there already, and nothing is overwritten. Choose another NAME or --out"
        )
    if request.objective not in (None, OBJECTIVE, *objectives()):
        problems.append(
            f"--objective: found {request.objective!r}, allowed are {', '.join(objectives())}: "
            f"what differs between models of one graph; and {OBJECTIVE}, of a text, for models "
            "that players bring"
        )
    if request.budget_seconds is not None and not request.budget_seconds > 0:
        problems.append(f"--budget: found {request.budget_seconds:g}, allowed is more than 0")
    return problems


def _content(request: Request, examples: Examples) -> Content:
    mean = float(f"{LOSS_SHARE * examples.chance_loss:.2g}")
    numbers = FitNumbers(
        **_common(request, request.objective or "l2", len(examples.targets)), train_loss=mean,
        train_loss_max=WORST_FACTOR * mean,
    )
    data = data_toml(numbers, examples.file, examples.content, examples.keys, examples.comments)
    texts = {
        "competition.toml": competition_toml(numbers, examples),
        "graph.toml": graph_toml(examples),
        "data.toml": data,
        "README.md": readme(numbers, STARTER / "README.md"),
    }
    simplest = f"simplest by {numbers.objective}: --objective"
    return Content(
        files={examples.file: examples.content, **{n: t.encode() for n, t in texts.items()}},
        baseline={name: STARTER / name for name in BASELINES},
        guesses=(
            *examples.guesses, *([simplest] if request.objective is None else []),
            *_guesses(request, numbers),
            f"bounds: mean loss {numbers.train_loss:g}, worst example {numbers.train_loss_max:g}, "
            f"from a constant answer's {examples.chance_loss:.3g}: [bounds] in competition.toml",
            _network_in_words(examples),
        ),
    )


def _open_content(request: Request, text: OpenText) -> Content:
    numbers = Numbers(**_common(request, OBJECTIVE, len(text.used)))
    content = text.used.encode()
    texts = {
        "competition.toml": open_competition_toml(numbers, text),
        "data.toml": data_toml(numbers, FILE, content, KEYS),
        "README.md": open_readme(numbers, OPEN_STARTER / "README.md"),
    }
    return Content(
        files={FILE: content, **{n: t.encode() for n, t in texts.items()}},
        baseline={name: OPEN_STARTER / name for name in (BASELINE, DISCLOSURE)},
        guesses=(*text.guesses, *_guesses(request, numbers)),
    )


def _common(request: Request, objective: str, examples: int) -> dict[str, Any]:
    """What every game says of itself: the fields of Numbers."""
    twin = round(TWIN_SHARE * examples)
    return {
        "name": request.name,
        "title": request.title or request.name.replace("-", " ").capitalize(),
        "objective": objective, "budget_seconds": request.budget_seconds or 30.0,
        "licence": request.licence or "not stated",
        "origin": request.origin or str(request.source.name),
        "train": examples - twin, "twin": twin,
    }


def _guesses(request: Request, numbers: Numbers) -> list[str]:
    guesses = {
        "budget": (
            request.budget_seconds,
            f"a budget of {numbers.budget_seconds:g} s: --budget, or budget_seconds in "
            "competition.toml",
        ),
        "licence": (
            request.licence,
            "the licence of the data is not stated, say it before you publish the game: "
            "--licence, or licence in data.toml",
        ),
        "origin": (
            request.origin,
            f"the origin of the data is {numbers.origin!r}: --origin, or origin in data.toml",
        ),
    }
    return [
        *(sentence for given, sentence in guesses.values() if given is None),
        f"{numbers.train} examples are trained on, {numbers.twin} are the twin set: train and twin "
        "in data.toml",
    ]


def _network_in_words(examples: Examples) -> str:
    if examples.kind != "vectors":
        return "the network is a default for such data: graph.toml"
    units = hidden_units(examples)
    return (
        f"the network has {units} hidden units: units in graph.toml. If the baseline misses a "
        "bound, take more of them, or a wider bound"
    )


def _write(folder: Path, content: Content) -> None:
    for name, written in content.files.items():
        (folder / name).write_bytes(written)
    (folder / "baseline").mkdir()
    for name, source in content.baseline.items():
        shutil.copyfile(source, folder / "baseline" / name)

"""A golf entry: a program that is given a game, drives its own training, and submits models.

It meets the referee over the same link as every contestant. What it may learn while it runs, when
a model is judged and when the clock ends it are the referee's business; here is what it is handed.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch
from mlgolf.core.errors import SubmissionError
from mlgolf.core.messages import Assignment
from mlgolf.core.registry import played_workload
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.workload import OpenSplit
from mlgolf.data.batches import join_batches
from mlgolf.measures.onnx_models import read_model
from mlgolf.player.handover import MODEL_FILE
from mlgolf.player.link import Link
from mlgolf.player.submission import load_module
from mlgolf.player.touched import counted


class Bounds(dict[str, float]):
    """What a model must keep to, by the names of quantities."""

    def __missing__(self, name: str) -> float:
        raise SubmissionError(
            f"this game has no bound on {name!r}; it has bounds on {', '.join(self) or 'nothing'}. "
            "game.bounds.get(name) is None where there is none"
        )


class Game:
    """What `play(game)` gets.

    Attributes:
      train: all training examples, by name: `inputs` (examples, ...), `targets` (examples, ...).
      bounds: what a model must keep to, by the names of quantities: {"train_loss": 0.01}.
      objective: the name of the quantity that is to be small.
      budget_seconds: of the clock, from the moment at which the program is imported.
      seed: of this run; another in each.
    """

    def __init__(
        self, train: Batch, model: Any, bounds: Mapping[str, float], objective: str, seed: int,
        budget_seconds: float, split: OpenSplit, link: Link, *, brings_model: bool = False,
    ) -> None:
        self.train, self.objective, self.seed = train, objective, seed
        self._model, self._brings_model = model, brings_model
        self.bounds, self.budget_seconds = Bounds(bounds), budget_seconds
        self._split, self._link, self._submitted = split, link, 0

    @property
    def graph(self) -> Any:
        """The host's network: its layers, and `graph.tensors`, the shape of each by name.

        Raises: AttributeError where the contestant brings the model.
        """
        if self._brings_model:
            raise AttributeError(
                "an open game has no graph: the model is yours; game.task says what it takes and "
                "gives"
            )
        return self._model

    @property
    def task(self) -> Any:
        """What a model of the contestant's takes and gives: `inputs.shape`, `inputs.dtype`,
        `num_classes`, `max_bytes`.

        Raises: AttributeError where the network is the host's.
        """
        if not self._brings_model:
            raise AttributeError(
                "a game with a graph has no task: the network is the host's; game.graph is it"
            )
        return self._model

    @property
    def seconds_left(self) -> float:
        """Of the budget, by a copy of the referee's clock that is some hundredths of a second old.

        A program that decides by it cannot be replayed bit for bit: count steps where you can.
        """
        return self.budget_seconds - self._link.board.clock_seconds

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Endless shuffled training batches, the order of which depends on `seed` alone."""
        return self._split.train_batches(batch_size, self.seed)

    def submit(self, model: Any) -> dict[str, float]:
        """Hand a model over; the best valid one of all that were judged counts.

        Args: model: values for every name in `graph.tensors`, cast to 32-bit floats. Where the
          contestant brings the model, an ONNX file: its bytes, or a ModelProto.
        Returns: what was measured, by name ("train/loss", "model/l2"). Nothing if it comes too soon
          after the last one that was judged: then it is kept, and judged when its time has come or
          the trial ends, unless another takes its place.
        Raises: SubmissionError for other names or shapes, ModelError for a file that is not
          allowed; nothing has been handed over then.
        """
        arrays = self._file(model) if self._brings_model else self._tensors(model)
        self._submitted += 1
        self._link.board.step = self._submitted
        return dict(self._link.submit(arrays, self._submitted).metrics)

    def log(self, **values: float) -> None:
        """Have numbers written into the log of the trial."""
        self._link.log(self._submitted, {name: float(value) for name, value in values.items()})

    def _file(self, model: Any) -> dict[str, NDArray]:
        file = model.SerializeToString() if hasattr(model, "SerializeToString") else model
        if not isinstance(file, bytes):
            raise SubmissionError(
                f"game.submit: found a {type(model).__name__}; give the bytes of an ONNX file, or "
                "an onnx.ModelProto"
            )
        read_model(file, max_bytes=self.task.max_bytes)
        return {MODEL_FILE: np.frombuffer(file, np.uint8)}

    def _tensors(self, model: Any) -> dict[str, NDArray]:
        if not isinstance(model, Mapping):
            raise SubmissionError(
                f"game.submit: found a {type(model).__name__}; give arrays by the names of "
                "game.graph.tensors"
            )
        arrays = {str(name): np.asarray(model[name], np.float32) for name in model}
        self._check(arrays)
        return {name: arrays[name] for name in sorted(arrays)}

    def _check(self, arrays: Mapping[str, NDArray]) -> None:
        wanted = self.graph.tensors
        wrong = [
            f"{name}: found {arrays[name].shape if name in arrays else 'nothing'}, expected "
            f"{wanted.get(name, 'no tensor of that name')}"
            for name in sorted({*wanted, *arrays})
            if name not in wanted or name not in arrays
            or arrays[name].shape != tuple(wanted[name])
        ]
        if wrong:
            raise SubmissionError("game.submit: " + "; ".join(wrong))


def play_entry(assignment: Assignment, link: Link) -> None:
    """Run the program of an assignment until it returns or the referee has had enough."""
    backend = load_backend(assignment.framework)
    backend.configure(assignment.threads)
    workload_rules = WorkloadRules.model_validate(assignment.workload_rules)
    workload = played_workload(assignment.workload, assignment.size, workload_rules.definition)
    size, folder = workload.size(assignment.size), Path(assignment.train_folder)
    data = workload.data()
    split = data.open_split(folder, size, "train")
    game = Game(
        join_batches([*data.open_split(folder, size, "eval_train").eval_batches()]), size.model,
        {name: target["value"] for name, target in assignment.asked.items()},
        assignment.objective, assignment.seed,
        workload_rules.bounds.get("budget_seconds", math.inf), split, link,
        brings_model=workload.brings_model,
    )
    link.begin(backend.versions())
    # On the clock from here: importing the program is part of what it costs.
    handed, link.touched = counted(game)
    load_play(Path(assignment.submission_file))(handed)
    link.finish(game._submitted, "play() returned")


def load_play(file: Path) -> Callable[[Game], object]:
    """Import the module of an entry. Raises: SubmissionError if it has no function `play`."""
    module: ModuleType = load_module(file, "entry")
    play = getattr(module, "play", None)
    if not callable(play):
        raise SubmissionError(f"{file.name} has no function play(game)")
    return play

"""A workload that a competition declares: its network as layers, its data as a file or a source.

A row of a competition says `workload = "graph"` and gives a `definition`:

    [workloads.digits.definition]
    graph = "graph.toml"     # graph.py has the layers
    data = "data.toml"       # Data, below
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlgolf.core.errors import RulesError
from mlgolf.core.spec import LossType
from mlgolf.core.text import invalid
from mlgolf.core.workload import Size, Workload
from mlgolf.workloads.graph.generated import SUFFIX
from mlgolf.workloads.graph.graph import Graph

Count = Annotated[int, Field(ge=1)]
LOSS_TYPES = {
    "cross_entropy": LossType.SOFTMAX_CROSS_ENTROPY,
    "squared_error": LossType.MEAN_SQUARED_ERROR,
    "sigmoid_cross_entropy": LossType.SIGMOID_CROSS_ENTROPY,
}
EVAL_BATCH_SIZE = 2048
Record = TypeVar("Record", bound=BaseModel)


class Data(BaseModel):
    """data.toml: where examples come from, and which of them are trained on.

    The others are the twin set: never trained on and never scored, it shows what a model knows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["digits", "breast_cancer"] | None = None  # of scikit-learn
    file: str | None = None  # .npz, .csv or .txt beside data.toml, or the .py that makes them
    sha256: str | None = None  # of the file
    # An .npz or a .py: the array of that name. A .csv: all columns but the targets.
    inputs: str = "inputs"
    targets: str = "targets"  # the array, or the column
    divide_by: Annotated[float, Field(gt=0)] = 1.0  # all inputs
    standardise: bool = False  # each input by its mean and standard deviation over training data
    # A .txt is one example for each character: the `window` characters before it, then itself.
    # 0 stands for nothing, before the text begins; its characters, sorted, are 1, 2, …
    window: Count | None = None
    train: Count  # examples
    twin: Annotated[int, Field(ge=0)] = 0  # of those that are left
    order: Literal["drawn", "as_given"] = "drawn"  # at random, or the first, and those after them
    split_seed: int = 0  # which are drawn
    # Rows of the source, from 0, that are in no split: those that a host took out of an earlier
    # round. The others keep their order, so that `train` falls by as many.
    leave_out: tuple[Annotated[int, Field(ge=0)], ...] = ()
    # Blind: they are drawn anew for each run, from a number that nobody knew when code was hashed.
    blind: bool = False
    # Classes are renamed, in all splits alike, by a permutation from that number.
    permute_labels: bool = False
    batch_size: Count = 64  # of a submission that asks for none
    licence: str
    origin: str  # who made them, and where they are published

    # From here on what `spec.defined` adds; no competition writes it.
    host_folder: Path | None = Field(default=None, exclude=True)

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> "Data":
        if (self.source is None) == (self.file is None):
            raise ValueError("give one of source and file")
        if (self.file is None) != (self.sha256 is None):
            raise ValueError("a file needs its sha256, and a source has none")
        is_text = (self.file or "").endswith(".txt")
        if is_text != (self.window is not None):
            raise ValueError("a .txt needs a window, in characters; nothing else has one")
        if self.made_for_a_run and self.leave_out:
            raise ValueError(
                "leave_out names rows, and a blind game with a .py has others in each run: "
                "change the .py"
            )
        if self.blind and self.order == "as_given":
            raise ValueError("a blind game draws its examples: leave out order")
        if self.permute_labels and not self.blind:
            raise ValueError("permute_labels needs blind = true: each run draws a permutation")
        return self

    @property
    def made_for_a_run(self) -> bool:
        """Whether a host's program makes other examples in each run."""
        return self.blind and (self.file or "").endswith(SUFFIX)

    @property
    def folder(self) -> str:
        """Other data lie elsewhere: those of an earlier round of a game stay."""
        return f"{self.source or Path(self.file or '').stem}-{self._digest[:12]}"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()

    @property
    def drawn(self) -> tuple[str, ...]:
        """Splits that differ from run to run."""
        return ("train", "test")[: 1 + bool(self.twin)] if self.blind else ()


class Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    graph: Graph
    data: Data

    @model_validator(mode="after")
    def _renames_classes_alone(self) -> "Definition":
        if self.data.permute_labels and self.graph.loss != "cross_entropy":
            raise ValueError(
                f"data.permute_labels: found the loss {self.graph.loss!r}, allowed is "
                "'cross_entropy': only classes can be renamed"
            )
        return self


def defined(
    workload: Workload, definition: Mapping[str, Any], size: str, folder: Path | None
) -> Workload:
    """See `Workload.defined_by`. Raises: RulesError that lists all that is wrong."""
    found = validated(Definition, definition)
    row = row_of(size, found.graph, found.data, folder)
    return replace(workload, loss_type=LOSS_TYPES[found.graph.loss], sizes={size: row})


def validated(record: type[Record], definition: Mapping[str, Any]) -> Record:
    """Raises: RulesError that lists all that is wrong."""
    try:
        return record.model_validate(dict(definition))
    except ValidationError as error:
        raise RulesError("\n".join(f"definition: {invalid(e)}" for e in error.errors())) from None


def row_of(size: str, model: Any, data: Data, folder: Path | None) -> Size:
    """The one size of a workload that a competition declares; args as of `defined`."""
    data = data.model_copy(update={"host_folder": folder})
    twin = {"test": data.twin} if data.twin else {}
    return Size(
        name=size,
        examples={"train": data.train, "eval_train": data.train, **twin},
        batch_size=data.batch_size,
        published_batch_size=data.batch_size,
        eval_batch_size=EVAL_BATCH_SIZE,
        model=model,
        data=data,
    )


WORKLOAD = Workload(
    name="graph",
    dataset="games",
    loss_type=LossType.SOFTMAX_CROSS_ENTROPY,
    package="mlgolf.workloads.graph",
    sizes={},  # a competition gives the one that is played
)

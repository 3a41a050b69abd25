"""A workload whose data a competition declares, and whose model every contestant brings.

A row of a competition says `workload = "onnx"` and gives a `definition`:

    [workloads.text.definition]
    data = "data.toml"                           # as of the workload graph
    inputs = { shape = [64], dtype = "int32" }   # of one example
    num_classes = 94
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlgolf.core.spec import LossType
from mlgolf.core.workload import Workload
from mlgolf.workloads.graph.graph import Inputs
from mlgolf.workloads.graph.spec import Count, Data, row_of, validated


class Task(BaseModel):
    """What a model is given, and what it must give."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Inputs
    num_classes: Annotated[int, Field(ge=2)]  # of logits, an example
    loss: Literal["cross_entropy"] = "cross_entropy"
    max_bytes: Count = 1 << 20  # of the file
    seconds_per_batch: Annotated[float, Field(gt=0)] = 10.0  # that a model may take

    @property
    def output_shape(self) -> tuple[int]:
        return (self.num_classes,)

    @property
    def target_shape(self) -> tuple[()]:
        return ()


class Definition(Task):
    data: Data


def defined(
    workload: Workload, definition: Mapping[str, Any], size: str, folder: Path | None
) -> Workload:
    """See `Workload.defined_by`. Raises: RulesError that lists all that is wrong."""
    found = validated(Definition, definition)
    task = Task.model_validate(found.model_dump(exclude={"data"}))
    return replace(workload, sizes={size: row_of(size, task, found.data, folder)})


WORKLOAD = Workload(
    name="onnx",
    dataset="games",
    loss_type=LossType.SOFTMAX_CROSS_ENTROPY,
    package="mlgolf.workloads.onnx",
    data_module="mlgolf.workloads.graph.data",
    brings_model=True,
    sizes={},  # a competition gives the one that is played
)

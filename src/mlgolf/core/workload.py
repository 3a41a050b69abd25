"""A workload: data, model, loss and metric, in sizes that share one code path.

Its folder holds `spec.py` (this record), `data.py`, `metrics.py`, `model_torch.py`, `model_jax.py`;
the protocols below say what each of those modules offers. Both sides of the clock build on them:
the player trains, the referee evaluates with a model of its own. Of two workloads with the same
data or metrics, one names the other's module.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from numpy.typing import NDArray

from mlgolf.core.arrays import Batch
from mlgolf.core.errors import RulesError, UnknownName, WorkloadError
from mlgolf.core.spec import ForwardPassMode, LossType
from mlgolf.core.text import bytes_in_words, enumerated

SPLITS = ("train", "validation", "test")
FRACTION_MARK = "@"  # in the name of a size that trains on a part of its data: "mini@0.25"
FRAMEWORKS = ("torch", "jax")
_OF_DATA = ("DRAWN", "make", "prepare", "open_split")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where published raw data are to be had."""

    what: str
    url: str
    size_bytes: int  # about, of the raw data as they are prepared
    licence: str

    def __str__(self) -> str:
        size = bytes_in_words(self.size_bytes)
        return f"{self.what}: {self.url}, {size}. Licence: {self.licence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A row of spec.py: one size, or one variant, of a workload. Numbers, no code."""

    name: str
    examples: Mapping[str, int]  # split -> count, for eval_train and the splits that there are
    batch_size: int  # the baseline's, at this size
    published_batch_size: int  # the baseline's, at full size
    eval_batch_size: int
    dropout_rate: float = 0.0
    data_fraction: float = 1.0  # of the training examples: `training_part` in data/batches.py
    model: Any  # the workload's own record of its network's sizes
    data: Any  # the workload's own record of how data are read and, at mini size, made
    published: tuple[Published, ...] = ()  # the raw data, where they are not made

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that it has: a game may do without a validation split."""
        return tuple(split for split in SPLITS if split in self.examples)

    @property
    def row(self) -> str:
        """Its name in spec.py: that of its data too, whatever part of them is trained on."""
        return self.name.partition(FRACTION_MARK)[0]

    def scale_batch_size(self, asked: int) -> int:
        """What a batch size that was published for the full size becomes at this one."""
        return max(1, round(asked * self.batch_size / self.published_batch_size))


def with_variants(
    size: Size, variants: Mapping[str, Mapping[str, Any]]
) -> dict[str, Size]:
    """A size and its variants by name: "mini", "mini_gelu" and so on. They share its data.

    Args:
      variants: suffix -> fields of the model record that differ.
    """
    return {size.name: size} | {
        f"{size.name}_{suffix}": replace(
            size, name=f"{size.name}_{suffix}", model=replace(size.model, **changes)
        )
        for suffix, changes in variants.items()
    }


class Model(Protocol):
    """`model_torch.Model(size)` or `model_jax.Model(size)`: the network and its loss."""

    def init(self, rng: Any) -> tuple[Any, Any]:
        """Fresh (params, model_state). torch: (Module, None). JAX: (dict, dict or None)."""
        ...

    def apply(
        self, params: Any, batch: Mapping[str, Any], model_state: Any, mode: ForwardPassMode,
        rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Any, Any]:
        """(logits, new_model_state). Batch arrays already belong to the framework."""
        ...

    def loss(
        self, label_batch: Any, logits_batch: Any, mask_batch: Any = None,
        label_smoothing: float = 0.0,
    ) -> Mapping[str, Any]:
        """`summed`, `n_valid_examples` (scalars), `per_example` (batch,). No regulariser."""
        ...

    def is_output(self, key: str) -> bool:
        """Whether a top-level parameter key names the readout layer."""
        ...


@runtime_checkable
class Decodes(Protocol):
    """A model whose metrics are not of its logits: text by beam search, boxes without doubles.

    Or of its losses alone, where logits are large: then it decodes to ().
    """

    def decode(self, params: Any, batch: Mapping[str, Any], model_state: Any, logits: Any) -> Any:
        """What `Metrics.update` gets as predictions: an array, or a tree of them.

        In evaluation mode, without gradients; compiled with `apply` where the framework compiles,
        so what needs Python itself (words, spelling) belongs into metrics.py.
        """
        ...


class OpenSplit(Protocol):
    """One split, open: what is slow to open (decoding, mapping) is done, and was off the clock."""

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        """Endless shuffled training batches; the order depends on `seed` alone."""
        ...

    def eval_batches(self) -> Iterable[Batch]:
        """One ordered pass over `size.examples[split]` examples, in batches of eval_batch_size.

        A last batch that is too small is padded, with `weights` of 0 on what was added.
        """
        ...


class DataModule(Protocol):
    """A workload's data.py. Batches are numpy, so that both frameworks train on the same bytes.

    One whose raw data come from a host's file may offer `check_source(size)` as well, which raises
    DataError if that file has changed. One whose code stands in other modules as well names them as
    `MADE_BY`, "package.make": data that were made by other code are refused. One that reads
    published files may offer `pieces(raw, size, splits)`, a `data.pieces.Pieces`: then preparing
    can be continued after it was killed, bad records are named or left out, and progress is shown.
    """

    DRAWN: tuple[str, ...]  # splits that depend on the draw of held-out data: those, or all

    def make(
        self, raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
    ) -> None:
        """Write small data of this kind into `raw`, in the published raw format.

        Args:
          seed: of what a split is drawn from, and of the training split unless that is DRAWN.
          draw: seed of the DRAWN splits. Who knows it can make the held-out data.
        """
        ...

    def prepare(
        self, raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
    ) -> None:
        """Read the published raw format; write one folder per split into `prepared`."""
        ...

    def open_split(self, folder: Path, size: Size, split: str) -> OpenSplit:
        """Open train, eval_train, validation or test; `folder` is train's for eval_train."""
        ...


class Outputs(NamedTuple):
    """What a model made of one batch, as numpy arrays."""

    predictions: Any  # what its `decode` returned; without one, its logits as they are
    per_example: NDArray  # (batch,), losses, 0 where weights are 0


class Metrics(Protocol):
    """`metrics.Metrics(size)`: gathers what the metrics of one split need, batch after batch.

    There is a new one for each split of each evaluation.
    """

    def update(self, outputs: Outputs, batch: Batch) -> None:
        """Take in one batch; examples of weight 0 are padding and count for nothing."""
        ...

    def result(self) -> dict[str, float]:
        """Metrics of all batches so far: `loss`, and the workload's own, by name.

        The names are the same after any batch; NaN where a value is not defined. Changes nothing.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a submission trains. `package` is the folder that holds the modules above.

    `data_module` and `metrics_module` are for modules that are not in it, as "package.data".

    Which of its metrics counts, which way is better and what must be reached are rules of a
    competition, not of the workload.
    """

    name: str
    dataset: str  # the folder below the data directory; two workloads may share one
    loss_type: LossType
    package: str
    sizes: Mapping[str, Size]
    data_module: str | None = None
    metrics_module: str | None = None
    brings_model: bool = False  # the contestant, as ONNX: there are no model_torch, model_jax
    train_mean: tuple[float, ...] | None = None
    train_stddev: tuple[float, ...] | None = None

    def defined_by(
        self, definition: Mapping[str, Any], size: str, folder: Path | None
    ) -> "Workload":
        """The workload whose data and network a row of a competition declares.

        Args:
          definition: that row's. size: what this one size is called.
          folder: where files that it names lie; None where they are no longer needed.
        Raises: RulesError for what `spec.defined` of its package does not allow, or has none.
        """
        defined: Callable[..., Workload] | None = getattr(
            import_module(f"{self.package}.spec"), "defined", None
        )
        if defined is None:
            raise RulesError(
                f"definition: workload {self.name} has data and a network of its own, and takes no "
                'definition; workload = "graph" takes one'
            )
        return defined(self, definition, size, folder)

    def size(self, name: str) -> Size:
        """A row of spec.py: "mini_gelu"; or that with a part of its training data: "mini@0.25".

        Raises: UnknownName; WorkloadError for a part that is not above 0 and at most 1.
        """
        row, _, fraction = name.partition(FRACTION_MARK)
        if row not in self.sizes:
            raise UnknownName(f"size of {self.name}", row, known=self.sizes)
        if not fraction:
            return self.sizes[row]
        return replace(self.sizes[row], name=name, data_fraction=_as_fraction(name, fraction))

    @property
    def frameworks(self) -> tuple[str, ...]:
        """Those that have a model here, whether or not they are installed."""
        if self.brings_model:
            return FRAMEWORKS
        try:
            return tuple(f for f in FRAMEWORKS if find_spec(f"{self.package}.model_{f}"))
        except ModuleNotFoundError as error:
            raise WorkloadError(
                f"workload {self.name}: package={self.package!r}: {error}. In spec.py give the "
                "package that holds its modules."
            ) from error

    @property
    def data_files(self) -> tuple[Path, ...]:
        """Where the code of `data` stands, with what it names as MADE_BY. Raises: as `data`."""
        module = cast(ModuleType, self.data())
        found = (find_spec(name) for name in getattr(module, "MADE_BY", ()))
        others = (spec.origin for spec in found if spec and spec.origin)
        return tuple(map(Path, (inspect.getfile(module), *others)))

    def data(self) -> DataModule:
        """Raises: WorkloadError, as the two below, if the module or a part of it is missing."""
        module = self._module("data", self.data_module, _OF_DATA)
        return cast(DataModule, module)

    def metrics(self, size: Size) -> Metrics:
        """A new accumulator, of nothing yet."""
        module = self._module("metrics", self.metrics_module, ("Metrics",))
        build: Callable[[Size], Metrics] = module.Metrics
        return build(size)

    def model(self, framework: str, size: Size) -> Model:
        module = self._module(f"model_{framework}", None, ("Model",))
        build: Callable[[Size], Model] = module.Model
        return build(size)

    def _module(self, own: str, other: str | None, parts: tuple[str, ...]) -> ModuleType:
        name = other or f"{self.package}.{own}"
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if not f"{name}.".startswith(f"{error.name}."):
                raise  # something that the module itself imports
            missing, found = parts, "there is no such module"
        else:
            missing = tuple(part for part in parts if not hasattr(module, part))
            found = f"it has {enumerated(f'no {part}' for part in missing)}"
        if not missing:
            return module
        kind = own.partition("_")[0]
        elsewhere = f", or name another as {kind}_module" if kind != "model" else ""
        raise WorkloadError(
            f"workload {self.name}: {name}: {found}. Write {', '.join(missing)} there"
            f"{elsewhere}: docs/add-a-workload.md says what each does."
        )


def _as_fraction(name: str, given: str) -> float:
    try:
        found = float(given)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise WorkloadError(
            f"size {name}: found {given!r} behind {FRACTION_MARK}; a part of the training data "
            "is above 0 and at most 1, such as mini@0.25"
        )
    return found

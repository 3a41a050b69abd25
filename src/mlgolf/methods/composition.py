"""Methods by name, and several as one.

    methods = compose("colout", "selective_backprop", EMA(half_life=200))
    methods = from_point({"methods": ["colout", "ema"], "ema__half_life": 200})  # a search space
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.errors import MethodError, UnknownName, did_you_mean
from mlgolf.methods.col_out import ColOut
from mlgolf.methods.cutout import Cutout
from mlgolf.methods.data_echoing import DataEchoing
from mlgolf.methods.distillation import Distillation
from mlgolf.methods.growing import Growing
from mlgolf.methods.label_smoothing import LabelSmoothing
from mlgolf.methods.layer_freezing import LayerFreezing
from mlgolf.methods.mixup import Mixup, classes_of
from mlgolf.methods.progressive_resizing import ProgressiveResizing
from mlgolf.methods.protocol import Method, Selection, Transform
from mlgolf.methods.regularisation_curriculum import RegularisationCurriculum
from mlgolf.methods.selective_backprop import SelectiveBackprop
from mlgolf.methods.sequence_length import SequenceLengthWarmup
from mlgolf.methods.small_model_selection import SmallModelSelection
from mlgolf.methods.switches import ChannelsLast, Compile, MixedPrecision
from mlgolf.methods.weight_averaging import EMA, LAWA, WeightAveraging

# In the order in which they act on a batch: what makes it smaller comes first.
METHODS: Mapping[str, type[Method]] = {
    kind.name: kind
    for kind in (
        DataEchoing, SelectiveBackprop, SmallModelSelection,
        SequenceLengthWarmup, ProgressiveResizing, ColOut, RegularisationCurriculum, Mixup, Cutout,
        LabelSmoothing, Distillation, LayerFreezing, Growing,
        EMA, LAWA, ChannelsLast, MixedPrecision, Compile,
    )
}  # fmt: skip
NAMES = "methods"  # the key of a point that lists them
MARK = "__"  # between a method and its knob, in a key of a point

Kind = TypeVar("Kind", bound=Method)


@dataclass(frozen=True, slots=True)
class Methods:
    """Some methods, each at most once. Without any, nothing changes."""

    members: tuple[Method, ...] = ()

    def __iter__(self) -> Iterator[Method]:
        return iter(self.members)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(method.name for method in self.members)

    def get(self, kind: type[Kind]) -> Kind | None:
        """The method of that class, or of a class derived from it; None if there is none."""
        return next((method for method in self.members if isinstance(method, kind)), None)

    def at(self, progress: float) -> dict[str, Any]:
        """The setting of each, by name: for a log, and as the key of what is compiled."""
        return {method.name: method.at(progress) for method in self.members}

    def stream(
        self, batches: Iterable[Any], rng: np.random.Generator | None = None,
        progress: Callable[[], float] = lambda: 0.0,
    ) -> Iterator[Any]:
        """The batches, echoed where that was chosen; arguments as of `DataEchoing.stream`."""
        echoing = self.get(DataEchoing)
        return iter(batches) if echoing is None else echoing.stream(batches, rng, progress)

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        """What all transforms together make of a batch."""
        for method in self.members:
            if isinstance(method, Transform):
                batch = method.transform(batch, rng, progress)
        return batch

    def point(self, point: Mapping[str, Any], progress: float) -> dict[str, Any]:
        """The hyperparameters as they hold there."""
        smoothing = self.get(LabelSmoothing)
        return dict(point) if smoothing is None else smoothing.point(point, progress)


def compose(
    *chosen: str | Method, knobs: Mapping[str, Mapping[str, Any]] | None = None,
    workload: Any = None,
) -> Methods:
    """Methods by name, with their defaults or with `knobs[name]`, and methods as they are.

    Args: workload: asked for the number of classes, where a method needs it and does not know it.
    Raises: UnknownName; MethodError for a knob that a method has not, or a method given twice.
    """
    knobs = knobs or {}
    made = [_made(one, knobs.get(one, {})) if isinstance(one, str) else one for one in chosen]
    names = [method.name for method in made]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MethodError(f"found {', '.join(twice)} twice among the methods; give each once.")
    if idle := sorted(set(knobs) - set(names)):
        raise MethodError(
            f"found knobs of {', '.join(idle)}, which {'is' if len(idle) == 1 else 'are'} not "
            "among the methods. Add the method, or leave its knobs out."
        )
    for kind, what in ((Selection, "choose examples"), (WeightAveraging, "average weights")):
        rivals = [method.name for method in made if isinstance(method, kind)]
        if len(rivals) > 1:
            raise MethodError(f"{' and '.join(rivals)} both {what}; choose one of them.")
    order = [*METHODS]
    made.sort(key=lambda m: order.index(m.name) if m.name in METHODS else len(order))
    return Methods(tuple(_with_classes(method, workload) for method in made))


def from_point(
    point: Mapping[str, Any], workload: Any = None, serves: Collection[str] | None = None
) -> Methods:
    """The methods that a point of a search space lists under `methods`, and their knobs.

    The list is one of names, or a word such as "colout+ema"; "" and an empty list are none. A knob
    is a key such as `ema__half_life`; knobs of methods that are switched off are ignored,
    so that one space serves every combination.

    Args: serves: the methods that the caller acts on; None for all.
    Raises: as `compose`; MethodError for a method that would be on in name alone.
    """
    names = point.get(NAMES, ())
    names = names.split("+") if isinstance(names, str) else names
    knobs: dict[str, dict[str, Any]] = {}
    for key, value in point.items():
        name, mark, knob = key.partition(MARK)
        if mark:
            _known(name)
            knobs.setdefault(name, {})[knob] = value
    names = [name for name in names if name]
    _check_that_they_are_served(names, serves)
    chosen = {name: knobs[name] for name in names if name in knobs}
    return compose(*names, knobs=chosen, workload=workload)


def numpy_generator(rng: Any) -> np.random.Generator:
    """A generator from the key, (2,) integers, that AlgoPerf's functions are given at each step."""
    return np.random.default_rng(np.asarray(rng).astype(np.uint32).ravel())


def _check_that_they_are_served(names: Iterable[str], serves: Collection[str] | None) -> None:
    idle = [] if serves is None else [name for name in names if _known(name).name not in serves]
    if idle:
        raise MethodError(
            f"found {', '.join(idle)} in the point, on which this submission does not act. It acts "
            f"on {', '.join(sorted(serves or ()))}. Leave the others out, or add their calls: "
            "docs/methods.md."
        )


def _known(name: str) -> type[Method]:
    if name not in METHODS:
        raise UnknownName("method", name, known=METHODS)
    return METHODS[name]


def _made(name: str, knobs: Mapping[str, Any]) -> Method:
    kind = _known(name)
    known = [field.name for field in fields(kind)]
    for knob in knobs:
        if knob not in known:
            raise MethodError(
                f"{name}: found a knob called {knob!r}. {did_you_mean(knob, known)}"
                f"Known: {', '.join(known)}."
            )
    return kind(**knobs)


def _with_classes(method: Method, workload: Any) -> Method:
    needs = isinstance(method, Mixup | RegularisationCurriculum) and method.classes is None
    if workload is None or not needs:
        return method
    return replace(method, classes=classes_of(workload))

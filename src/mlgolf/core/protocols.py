"""The seams: what a framework, a player, a clock, a store and an engine must offer, and no more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from mlgolf.core.arrays import Batch
from mlgolf.core.messages import Message
from mlgolf.core.plan import TrialPlan
from mlgolf.core.quantities import CLOCKS, JOULES, STEPS
from mlgolf.core.records import TrialHeader, VerdictRecord
from mlgolf.core.trial import Trial
from mlgolf.core.workload import Model, Outputs


class Backend(Protocol):
    """All that differs between frameworks besides a workload's model."""

    name: str
    params_type: type  # what a model's parameters are kept in
    params_noun: str  # the same in words, for a message

    def configure(self, threads: int) -> None:
        """Fix threads (0: no limit) and determinism of this process, before anything is built."""
        ...

    def settings_kept(self) -> AbstractContextManager[None]:
        """What `configure` changes is put back when the block ends: others use this process too."""
        ...

    def count_parameters(self, model: Model) -> int:
        """Of a workload's model. Takes no memory for them."""
        ...

    def preload(self) -> None:
        """Import what submissions commonly use: a fixed list, before anything is forked.

        Nothing that a fork would break: no thread is started, no device touched.
        """
        ...

    def key(self, seed: int) -> Any: ...
    def split(self, key: Any, count: int) -> Any: ...
    def step_keys(self, key: Any, count: int, ahead: int) -> Callable[[int], tuple[Any, ...]]:
        """step -> `count` keys: the key with the step folded in, split.

        Called off the clock; what is cheaper drawn at once is drawn for `ahead` steps.
        """
        ...

    def to_device(self, batch: Batch) -> dict[str, Any]:
        """The batch as arrays of the framework, nested as it was.

        Integer targets come in the type that its losses want.
        """
        ...

    def to_numpy(self, value: Any) -> NDArray: ...

    def synchronize(self, tree: Any) -> None:
        """Return once everything that `tree` depends on has been computed."""
        ...

    def named_arrays(self, params: Any, model_state: Any) -> dict[str, NDArray]:
        """Parameters and model state by name, in a fixed order; views of memory where it can."""
        ...

    def parameter_arrays(self, params: Any) -> dict[str, NDArray]:
        """Those of `named_arrays` that are trained: no buffers, no counters."""
        ...

    def load_arrays(
        self, params: Any, model_state: Any, arrays: Mapping[str, NDArray]
    ) -> tuple[Any, Any]:
        """(params, model_state) with these values; the tree given serves as the template."""
        ...

    def evaluate(
        self, model: Model, params: Any, model_state: Any, batch: Batch
    ) -> Outputs:
        """In evaluation mode, without gradients; decoded where the model offers `decode`.

        Compiled once per model and shape where the framework compiles.
        """
        ...

    def param_shapes(self, params: Any) -> Any:
        """Tree of ShapeTuple. torch: flat by name. JAX: nested like params."""
        ...

    def param_types(self, params: Any) -> Any:
        """Tree of ParameterType. torch: flat by name. JAX: nested, keys lower-cased."""
        ...

    def output_activation(self, logits: Any, loss_type: Any) -> Any: ...

    def versions(self) -> dict[str, str]: ...


class Player(Protocol):
    """The referee's hold on the untrusted side, from its start on."""

    @property
    def step(self) -> int:
        """The player's own count, from shared memory; a claim, used for progress alone."""
        ...

    def receive(self, timeout: float) -> Message | None:
        """The next message; None after `timeout` seconds; Exited once the player is gone."""
        ...

    def send(self, message: Message) -> None: ...

    def evaluate_at(self, step: int) -> None:
        """Raise the flag: the player submits once its count is at least `step` (0: now)."""
        ...

    def show_clock(self, seconds: float) -> None:
        """Let the contestant read a copy of the clock."""
        ...

    def cpu_seconds(self) -> float:
        """CPU time of every process that it ever had, since its start."""
        ...

    def freeze(self) -> None:
        """Return once every process of the player stands still."""
        ...

    def thaw(self) -> None: ...

    def use_core(self, core: int | None) -> None:
        """Have it go on on that core alone, or on its own (None); it stands still meanwhile."""
        ...

    def model(self, length: int) -> bytes:
        """A copy of what lies in the mapping."""
        ...

    def out_of_memory(self) -> str | None:
        """Evidence that the kernel ended it for its memory, in words; None without any."""
        ...

    def stop(self) -> None:
        """End every process of it and leave nothing behind. Harmless when it is gone already."""
        ...

    def record(self) -> dict[str, Any]:
        """How it was held: sandbox level, freezing method, source of CPU time."""
        ...


class Players(Protocol):
    """A way to hold players."""

    def start(self, plan: TrialPlan, capacity: int) -> Player:
        """Start one with a mapping of `capacity` bytes for models. None of it is on the clock.

        Raises: SandboxError where this machine cannot hold it.
        """
        ...


class Reading(NamedTuple):
    seconds: float  # by the clock rule of the class
    cpu: float
    wall: float  # thawed wall time
    joules: float | None = None  # None: nothing here counts them

    def later(self, seconds: float) -> "Reading":
        """The same with so many more seconds on every clock."""
        return Reading(
            self.seconds + seconds, self.cpu + seconds, self.wall + seconds, self.joules
        )


def measured(step: int, reading: Reading, metrics: Mapping[str, float]) -> dict[str, float]:
    """One evaluation by the columns from which quantities are read."""
    counted = {} if reading.joules is None else {JOULES: reading.joules}
    clocks = zip(CLOCKS, (reading.seconds, reading.cpu, reading.wall), strict=True)
    return {**dict(clocks), **counted, STEPS: float(step), **metrics}


class Clock(Protocol):
    def start(self, cpu_seconds: Callable[[], float]) -> None:
        """Run from zero. `cpu_seconds` is what the player that it times has used so far."""
        ...

    def read(self) -> Reading: ...

    def pause(self) -> Reading:
        """Stand still, and say at what. Called once every process of the player is frozen."""
        ...

    def resume(self) -> None: ...

    def charge(self, seconds: float) -> None:
        """Add work that was done on the contestant's behalf elsewhere."""
        ...

    def work(self) -> float:
        """Seconds that this process itself has worked so far, of the kind that the clock counts."""
        ...

    def record(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One evaluation."""

    step: int
    reading: Reading
    metrics: Mapping[str, float]
    model_sha256: str
    waited: bool = False  # it came too soon to be judged at once; its values were not told
    charged: float = 0.0  # seconds of this evaluation that the clock will show from now on


class Store(Protocol):
    """Where one trial is written as it happens. Rows are safe on disk when `append` returns."""

    def begin(self, header: TrialHeader) -> None: ...
    def append(self, row: Row) -> None: ...
    def keep(self, model: bytes) -> None:
        """Keep a model, in place of the one before."""
        ...

    def log(self, text: str) -> None: ...
    def finish(self, verdict: VerdictRecord) -> None: ...


class Play(Protocol):
    """What plays one trial and gives it back, once it has ended."""

    def __call__(self, plan: TrialPlan) -> Trial: ...


class Engine(Protocol):
    """Where trials run: here, or on many machines."""

    @property
    def shares_the_machine(self) -> bool:
        """Whether trials disturb one another, so that none is an official one."""
        ...

    def run(self, plans: Iterable[TrialPlan], play: Play) -> Iterator[Trial]:
        """Play each plan; yield trials as they end, in any order.

        A plan that somebody else has taken (TrialTaken) is passed over.
        """
        ...

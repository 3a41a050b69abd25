"""What an optax transformation asks for beyond gradients, and which parameters it evaluates."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import optax

from mlgolf.backends.short_form import Schedule

Tree = Any
Loss = Callable[[Tree], jax.Array]  # parameters -> mean loss of the batch at hand

EXTRA: Mapping[str, Callable[[Loss, jax.Array, Tree], Any]] = {
    "value": lambda loss, value, gradients: value,
    "grad": lambda loss, value, gradients: gradients,
    "value_fn": lambda loss, value, gradients: loss,
    "grad_fn": lambda loss, value, gradients: lambda params, *_: jax.grad(loss)(params),
    "obj_fn": lambda loss, value, gradients: loss,
}


REHEARSED = 20  # steps; some gather the gradients of several before they move
LINE_SEARCH = ("value", "grad", "value_fn")


class Rate:
    """A learning rate as optax takes it: a function of a count.

    The count is that of a transformation, and some count only a part of the steps (MultiSteps,
    SAM). Inside `at`, the schedule follows the steps of the trial instead. A rate times a number
    is a rate.
    """

    def __init__(self, peak: float, schedule: Schedule, step_hint: int) -> None:
        self._peak, self._schedule, self._step_hint = peak, schedule, step_hint
        self._step: Any = None

    def __call__(self, count: Any) -> Any:
        step = count if self._step is None else self._step
        return self._peak * self._schedule(step / self._step_hint)

    @contextmanager
    def at(self, step: Any) -> Iterator[None]:
        self._step = step
        try:
            yield
        finally:
            self._step = None

    def __mul__(self, factor: float) -> Callable[[Any], Any]:
        return lambda count: self(count) * factor

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Callable[[Any], Any]:
        return self * (1 / divisor)


class Method:
    """An optax transformation with all that it asks for."""

    def __init__(self, optimizer: Any, params: Tree) -> None:
        """Args: params: as those that are to be trained. Nothing is computed with them.

        Raises: what the transformation raises if no set of extra arguments satisfies it.
        """
        self._optimizer = optimizer
        shapes = jax.eval_shape(optimizer.init, params)
        self._is_pair = bool(_nodes(shapes, optax.LookaheadState))
        self.defines_evaluation = bool(_nodes(shapes, _EVALUATED)) or self._is_pair
        self._extra = self._asked_for(jax.eval_shape(self._trained, params))

    def start(self, params: Tree) -> tuple[optax.OptState, Tree]:
        """(state, what is trained).

        Copies throughout: some states hold the parameters, which the first step gives up.
        """

        def init(params: Tree) -> tuple[optax.OptState, Tree]:
            return self._optimizer.init(self._trained(params)), self._trained(params)

        return jax.jit(lambda params: jax.tree.map(jnp.copy, init(params)))(params)

    def differentiated(self, trained: Tree) -> Tree:
        """The parameters at which the method wants gradients."""
        return trained.fast if self._is_pair else trained

    def update(
        self, loss: Loss, value: Any, gradients: Tree, state: optax.OptState, trained: Tree
    ) -> tuple[Tree, optax.OptState]:
        """(what is trained, state) after one update."""
        return self._update(self._extra, loss, value, gradients, state, trained)

    def evaluated(self, state: optax.OptState, trained: Tree) -> Tree:
        """The parameters at which the method is to be judged."""
        return _evaluated(state, trained.slow if self._is_pair else trained)

    def fault(self, params: Tree, rate: Rate) -> str | None:
        """What goes wrong in the first updates of a stand-in under its schedule, if anything."""

        def update(state: Any, trained: Tree, step: int) -> tuple[Tree, Any]:
            def loss(params: Tree) -> jax.Array:  # another one at each step, as with batches
                return _stand_in(jax.tree.map(lambda p: p + 0.1 * (step % 3), params))

            value, gradients = jax.value_and_grad(loss)(self.differentiated(trained))
            with rate.at(step):
                return self.update(loss, value, gradients, state, trained)

        (state, trained), compiled = self.start(params), jax.jit(update)
        for step in range(REHEARSED):
            trained, state = compiled(state, trained, step)
            shown = jax.tree.leaves(self.evaluated(state, trained))
            if step == 1 and not all(bool(jnp.isfinite(leaf).all()) for leaf in shown):
                return "gives NaN or infinity within two steps of a small model"
        if all(bool((a == b).all()) for a, b in zip(jax.tree.leaves(params), shown, strict=True)):
            return f"changes no parameter of a small model in {REHEARSED} steps"
        return None

    def _trained(self, params: Tree) -> Tree:
        return optax.LookaheadParams.init_synced(params) if self._is_pair else params

    def _update(
        self, names: tuple[str, ...], loss: Loss, value: Any, gradients: Tree, state: Any,
        trained: Tree,
    ) -> tuple[Tree, optax.OptState]:
        extra = {name: EXTRA[name](loss, value, gradients) for name in names}
        updates, state = self._optimizer.update(gradients, state, trained, **extra)
        return optax.apply_updates(trained, updates), state

    def _asked_for(self, trained: Tree) -> tuple[str, ...]:
        """Names of EXTRA; found by tracing, since a chain passes on more than its parts take."""
        first: Exception | None = None
        for names in _attempts(self._optimizer.update):
            try:
                self._trace(names, trained)
            except Exception as error:
                first = first or error
            else:
                return names
        assert first is not None
        raise first

    def _trace(self, names: tuple[str, ...], trained: Tree) -> None:
        def update(trained: Tree) -> Tree:
            params = self.differentiated(trained)
            state = self._optimizer.init(trained)
            return self._update(names, _stand_in, _stand_in(params), params, state, trained)[0]

        after = jax.eval_shape(update, trained)
        if jax.tree.map(_form, after) != jax.tree.map(_form, trained):
            raise TypeError("its updates have other shapes or types than the parameters")


def _attempts(update: Callable[..., Any]) -> Iterator[tuple[str, ...]]:
    """Sets of extra arguments, the richest first; line searches take theirs and no others."""
    parameters = inspect.signature(update).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        yield tuple(name for name in EXTRA if name in parameters)
        return
    yield tuple(EXTRA)
    yield LINE_SEARCH
    for size in reversed(range(len(EXTRA))):
        yield from combinations(EXTRA, size)


def _form(leaf: Any) -> tuple[Any, ...]:
    return leaf.shape, leaf.dtype


def _stand_in(params: Tree) -> jax.Array:
    """A loss with bounded gradients, so that no sensible rate makes it diverge."""
    terms = jax.tree.map(lambda p: jnp.sqrt(1 + (p + 1) ** 2).mean(), params)
    return jnp.stack(jax.tree.leaves(terms)).sum()


_EVALUATED = (optax.contrib.ScheduleFreeState, optax.contrib.SAMState)


def _evaluated(state: optax.OptState, params: Tree) -> Tree:
    for node in _nodes(state, _EVALUATED):
        if isinstance(node, optax.contrib.ScheduleFreeState):
            params = _average(node, params)
        elif node.cache is not None:  # between two updates it stands where the loss is higher
            params = _evaluated(node.opt_state, _synced(node, params))
    return params


def _synced(state: Any, params: Tree) -> Tree:
    here = state.steps_since_sync == 0
    return jax.tree.map(lambda p, c: jnp.where(here, p, c), params, state.cache)


def _average(state: Any, params: Tree) -> Tree:
    """optax.contrib.schedule_free_eval_params, for some of the parameters too."""

    def average(y: jax.Array, z: Any) -> jax.Array:
        return y if isinstance(z, optax.MaskedNode) else (y - (1.0 - state.b1) * z) / state.b1

    return jax.tree.map(average, params, state.z)


def _nodes(state: optax.OptState, kinds: Any) -> list[Any]:
    found = jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, kinds))
    return [node for node in found if isinstance(node, kinds)]

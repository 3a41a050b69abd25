"""What a submission's functions return, looked at before anything is done with it."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlgolf.core.errors import SubmissionError
from mlgolf.core.protocols import Backend

ORDER = "(optimizer_state, params, model_state)"


class Returned:
    """Holds what comes back to the kinds of things that the model was built of."""

    def __init__(self, backend: Backend, params: Any, model_state: Any) -> None:
        self._backend = backend
        self._keys, self._state_keys = _keys(params), _keys(model_state)
        self._shapes = backend.param_shapes(params)

    def check(self, function: str, optimizer_state: Any, params: Any, model_state: Any) -> None:
        """Only what costs no time: `check_shapes` is for when a model is handed over.

        Raises: SubmissionError that names the entry, what was found and what was expected.
        """
        if not self._is_params(params):
            hint = "It is the first value instead. " if self._is_params(optimizer_state) else ""
            noun = self._backend.params_noun
            self._refuse(function, "second", "params", noun, params, hint)
        if self._state_keys is None and model_state:
            self._refuse(function, "third", "model_state", "None, as it was given", model_state)
        if self._state_keys is not None and _keys(model_state) != self._state_keys:
            expected = f"a dict with keys {_listed(self._state_keys)}"
            self._refuse(function, "third", "model_state", expected, model_state)

    def check_shapes(self, params: Any) -> None:
        """Raises: SubmissionError that names a parameter whose shape is not the workload's."""
        found = self._backend.param_shapes(params)
        if found != self._shapes:
            raise SubmissionError(_difference(_flat(self._shapes), _flat(found)))

    def _is_params(self, value: Any) -> bool:
        return isinstance(value, self._backend.params_type) and _keys(value) == self._keys

    def _refuse(
        self, function: str, place: str, name: str, expected: str, found: Any, hint: str = ""
    ) -> None:
        raise SubmissionError(
            f"{function}: the {place} value that it returned, {name}, must be {expected}; found "
            f"{kind_of(found)}. {hint}Return {ORDER}, in this order."
        )


def kind_of(value: Any) -> str:
    """What a value is, in words: its type, and the size or the keys that tell it from others."""
    if value is None:
        return "None"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, Mapping):
        return f"a dict with keys {_listed(value)}" if value else "an empty dict"
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"a {module}{kind.__qualname__}"


def _listed(keys: Iterable[Any]) -> str:
    first = list(keys)
    return ", ".join(map(repr, first[:3])) + (", …" if len(first) > 3 else "")


def _keys(tree: Any) -> Any:
    """Keys of the first level; None for what has none."""
    return tree.keys() if isinstance(tree, Mapping) else None


def _flat(tree: Any, prefix: str = "") -> dict[str, tuple[int, ...]]:
    if isinstance(tree, Mapping):
        flat: dict[str, tuple[int, ...]] = {}
        for name, branch in tree.items():
            flat |= _flat(branch, f"{prefix}{name}/")
        return flat
    return {prefix.rstrip("/"): tree.shape_tuple}


def _difference(expected: dict[str, tuple], found: dict[str, tuple]) -> str:
    for name, shape in expected.items():
        if found.get(name) != shape:
            return (
                f"the parameters handed back have {found.get(name, 'nothing')} for {name!r}, but "
                f"the workload has {shape} there. Return the tree that was given, same shapes."
            )
    extra = sorted(set(found) - set(expected))
    return f"the parameters handed back have {extra[0]!r}, which the workload does not have."

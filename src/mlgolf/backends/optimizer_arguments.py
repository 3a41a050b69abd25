"""The arguments of an optimizer, or of a function that builds one, as keys of a search space."""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from mlgolf.core.errors import SearchSpaceError, SubmissionError
from mlgolf.core.text import enumerated

TRAINING_ARGUMENTS = ("dropout_rate", "label_smoothing")  # of the model and of the loss
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TYPO = 0.8  # similarity from which an unknown key is taken for a slip of the pen


class Arguments:
    """What a search space can set of `build`, and by which keys."""

    def __init__(
        self, build: Callable[..., Any], *, provided: Iterable[str], rate: str
    ) -> None:
        """Args:
          provided: arguments that are not hyperparameters, such as the parameters to train.
          rate: what this framework calls the learning rate, which is also "learning_rate".
        Raises: SubmissionError for an optimizer that is made already.
        """
        if not callable(build):
            raise SubmissionError(
                f"found a {type(build).__name__} where a class or function is expected. Give what "
                "makes the optimizer, such as torch.optim.AdamW or optax.adamw: what it trains is "
                "known in the trial only."
            )
        parameters = inspect.signature(build).parameters
        named = {name: p for name, p in parameters.items() if p.kind in _NAMED}
        inner = _unwrapped(build)
        self.name = getattr(inner, "__name__", repr(inner))  # what a person calls it
        self.package = (inner.__module__ or "").partition(".")[0]
        self.given = tuple(name for name in named if name in set(provided))
        self.defaults = {n: p.default for n, p in named.items() if n not in self.given}
        self.takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.keys = {name: name for name in self.defaults}
        if rate in named or self.takes_any:
            self.keys = {"learning_rate": rate} | self.keys

    def missing(self, values: Iterable[str] = ()) -> list[str]:
        """Arguments that have no default, and no value among these."""
        empty = inspect.Parameter.empty
        return [n for n, d in self.defaults.items() if d is empty and n not in set(values)]

    def check_complete(self, values: Iterable[str]) -> None:
        """Raises: SubmissionError if an argument has neither a value nor a default."""
        if missing := self.missing(values):
            raise SubmissionError(
                f"{self.name} needs a value for {enumerated(missing)}: put it into the search "
                f"space, or fix it with functools.partial({self.name}, {missing[0]}=...)."
            )

    def set_by(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Values by argument. Raises: SearchSpaceError for a key that nothing takes."""
        self._check_keys(point)
        return {
            self.keys.get(key, key): value
            for key, value in point.items()
            if key in self.keys or key not in TRAINING_ARGUMENTS
        }

    def checked(self, search_space: Any) -> Any:
        """A copy of a search space as JSON would give it back. None stays None.

        Raises: SearchSpaceError for a key that nothing takes, for two that set the same argument,
          and for what JSON cannot say.
        """
        try:
            space = json.loads(json.dumps(search_space))
        except (TypeError, ValueError) as error:
            raise SearchSpaceError(f"a search space is plain JSON: {error}") from None
        for point in space if isinstance(space, list) else [space or {}]:
            self._check_keys(point)
        return space

    def _check_keys(self, keys: Iterable[str]) -> None:
        setters: dict[str, str] = {}
        for key in keys:
            if not self._takes(key):
                raise SearchSpaceError(
                    f"search space: nothing takes {key!r}. Allowed for this optimizer are "
                    f"{', '.join([*self.keys, *TRAINING_ARGUMENTS])}."
                )
            rival = setters.setdefault(self.keys.get(key, key), key)
            if rival != key:
                raise SearchSpaceError(
                    f"search space: {rival!r} and {key!r} set the same argument. Keep one of them."
                )

    def _takes(self, key: str) -> bool:
        known = (*self.keys, *TRAINING_ARGUMENTS)
        if key in known:
            return True
        # **kwargs would swallow a misspelt name, and the run would be one with the default.
        slip = get_close_matches(key, known, cutoff=_TYPO)
        return self.takes_any and key not in self.given and not slip


def _unwrapped(build: Any) -> Any:
    """The class or function inside a partial."""
    while hasattr(build, "func"):
        build = build.func
    return build

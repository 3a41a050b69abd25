"""Loading a submission: a module with AlgoPerf's functions, or one object called `submission`."""

import importlib.util
import inspect
import sys
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mlgolf.backends.short_form import ShortForm
from mlgolf.core.errors import SubmissionError
from mlgolf.core.rules import Contract
from mlgolf.player.imports import explain_import

REQUIRED = ("get_batch_size", "init_optimizer_state", "update_params", "data_selection")
OPTIONAL = ("prepare_for_eval",)
_ENTRY_LACKS = "no function play(game)"
_TAKEN: Mapping[Contract, str] = {
    "entry": "An entry defines play(game).",
    "submission": f"A submission defines {', '.join(REQUIRED)} and, if it likes, {OPTIONAL[0]}; or "
    "it sets `submission = mlgolf.torch.from_optimizer(...)`.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The five functions, and what their signatures ask for."""

    file: Path
    get_batch_size: Callable[[str], int]
    init_optimizer_state: Callable[..., Any]
    update_params: Callable[..., tuple]
    data_selection: Callable[..., Any]
    prepare_for_eval: Callable[..., tuple] | None
    wants_train_state: bool
    search_space: Any  # of the short form; None where a JSON file stands beside the module
    rehearse: Callable[..., None] | None = None  # of the short form


def load_submission(file: Path) -> Submission:
    """Import the module and find its functions.

    Raises: SubmissionError for a function that is missing; as `load_module`.
    """
    return submission_of(load_module(file), file)


def load_module(file: Path, contract: Contract = "submission") -> ModuleType:
    """Import a contestant's module; helpers beside it can be imported by their names.

    Args: contract: what is expected of it, after which its file is called in a folder.
    Raises: SubmissionError for an import that finds the wrong module or none. What the module
      itself raises otherwise passes.
    """
    elsewhere = [folder for folder in sys.path if folder != str(file.parent)]
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("submission_under_trial", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, AttributeError) as error:
        explain_import(error, file, elsewhere, contract)
        raise
    return module


def submission_of(
    module: ModuleType, file: Path, contracts: Sequence[Contract] = ("submission",)
) -> Submission:
    """Args: contracts: what the competition takes, its first choice first.

    Raises: SubmissionError for a function that is missing.
    """
    functions = getattr(module, "submission", module)
    missing = [name for name in REQUIRED if not callable(getattr(functions, name, None))]
    if missing:
        is_meant = len(missing) < len(REQUIRED) or contracts[0] == "submission"
        lacks = ", ".join(f"no {name}" for name in missing) if is_meant else _ENTRY_LACKS
        taken = " ".join(_TAKEN[contract] for contract in contracts)
        raise SubmissionError(f"{file.name} has {lacks}. {taken}")
    return Submission(
        file=file,
        **{name: getattr(functions, name) for name in REQUIRED},
        prepare_for_eval=getattr(functions, OPTIONAL[0], None),
        wants_train_state="train_state" in inspect.signature(functions.update_params).parameters,
        search_space=getattr(functions, "search_space", None),
        rehearse=functions.rehearse if isinstance(functions, ShortForm) else None,
    )


def as_hyperparameters(values: Mapping[str, Any] | None) -> Any:
    """AlgoPerf's namedtuple `Hyperparameters`; None in self-tuning."""
    return namedtuple("Hyperparameters", values)(**values) if values is not None else None


def asked_batch_size(submission: Submission, workload: str, baseline: int) -> int:
    """The global batch size that the submission asks for, in terms of the published workload.

    A ValueError says that it does not know the workload: then it gets the baseline's.
    Raises: SubmissionError if it is no positive whole number.
    """
    try:
        asked = submission.get_batch_size(workload)
    except ValueError:
        return baseline
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise SubmissionError(
            f"get_batch_size({workload!r}) returned {asked!r}; it must return a positive int"
        )
    return asked

"""Why an import of a submission found the wrong module, or none."""

import sys
import traceback
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path

from mlgolf.core.errors import SubmissionError
from mlgolf.core.rules import Contract


def explain_import(
    error: ImportError | AttributeError, file: Path, path: Iterable[str], contract: Contract
) -> None:
    """Raise a better error where a name is at fault; else return.

    Args:
      file: the submission whose import failed.
      path: where Python looks for modules besides the folder of the submission.
      contract: what the file should be; a folder has it under that name.
    Raises: SubmissionError for a file beside the submission (or the submission itself) that has
      the name of an installed package, and for a module that is nowhere.
    """
    path = list(path)
    for name in _roots(error):
        if (namesake := _beside(name, file)) and _is_installed(name, path):
            where = "" if namesake == file else ", beside the submission,"
            raise SubmissionError(
                f"{namesake.name}{where} has the name of the installed package {name} and hides "
                f"it: {str(error).partition(' (')[0]} ({_place(error)}). Rename {namesake.name}."
            ) from error
    if isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.partition(".")[0]
        if _beside(name, file) is None and not _is_installed(name, path):
            raise SubmissionError(
                f"{file.name} does not import: ModuleNotFoundError: {error} ({_place(error)}). "
                f"{name} is neither beside the {contract} nor installed here. Neither PYTHONPATH "
                "nor the folder of a file given alone is seen: put both into a folder, name the "
                f"{contract} {contract}.py, and give the folder; or install {name}."
            ) from error


def _roots(error: ImportError | AttributeError) -> list[str]:
    """Names of modules, up to the first dot, that the failed import went through."""
    module = getattr(error, "obj", None)
    imported = error.name if isinstance(error, ImportError) else getattr(module, "__name__", None)
    frames = traceback.walk_tb(error.__traceback__)
    names = [imported, *(frame.f_globals.get("__name__") for frame, _ in frames)]
    return list(dict.fromkeys(name.partition(".")[0] for name in names if isinstance(name, str)))


def _beside(name: str, file: Path) -> Path | None:
    """The file or folder that an import of `name` finds in the folder of the submission."""
    candidates = (file.parent / f"{name}.py", file.parent / name)
    return next((candidate for candidate in candidates if candidate.exists()), None)


def _is_installed(name: str, path: list[str]) -> bool:
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, path) is not None


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}"

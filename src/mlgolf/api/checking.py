"""Whether code may be entered: what can be said within a second, without running any of it."""

import ast
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from mlgolf.api.triage import triage_code
from mlgolf.core.competition import Competition
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import SubmissionError
from mlgolf.core.records import Disclosure
from mlgolf.core.rules import Contract
from mlgolf.experiments.requests import check_source
from mlgolf.referee.freeze import find_submission, fingerprint, frozen_files
from mlgolf.triage.looked_at import LookedAt

AnyPath = str | PathLike[str]
_TOO_DEEP = "its brackets or operators nest too deeply to be read. Write it in several statements"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCode:
    """Code that the rules take in, as far as its text says."""

    name: str
    sha256: str  # as the referee hashes it when it freezes it
    module: str  # the file that is played
    files: tuple[str, ...]
    bytes: int
    contract: Contract
    disclosure: Disclosure | None
    looked_at: LookedAt  # facts for hosts and jury, no verdict


@disk_errors_told()
def check_code(
    submission: AnyPath, competition: Competition, framework: str = "torch"
) -> CheckedCode:
    """What would be refused before a trial begins.

    Args: submission: a folder or a module.
    Raises: SubmissionError, RulesError saying what is wrong and where.
    """
    source = find_submission(str(submission), framework)
    files = frozen_files(source)
    for name, file in sorted(files.items()):
        if name.endswith(".py"):
            _check_syntax(name, file)
    check_source(source, competition)
    (looked_at,) = triage_code(source.file.parent if source.is_folder else source.file).submissions
    return CheckedCode(
        name=source.name, sha256=fingerprint(source), module=source.file.name,
        files=tuple(sorted(files)), bytes=source.bytes, contract=source.contract,
        disclosure=source.disclosure, looked_at=looked_at,
    )


def _check_syntax(name: str, file: Path) -> None:
    try:
        ast.parse(file.read_bytes(), name)
    except SyntaxError as error:
        raise SubmissionError(
            f"{name}, line {error.lineno}: {error.msg}. Correct it, then submit again"
        ) from None
    except ValueError as error:  # a null byte
        raise SubmissionError(f"{name} is no Python: {error}") from None
    except (RecursionError, MemoryError):
        raise SubmissionError(f"{name}: {_TOO_DEEP}") from None


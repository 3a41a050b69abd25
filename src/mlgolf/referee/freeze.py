"""Freezing code: a submission is copied into the run, hashed, and run from the copy."""

import ast
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlgolf
from mlgolf.core.errors import RunFolderError, SubmissionError
from mlgolf.core.records import Disclosure
from mlgolf.core.registry import algorithm_folder
from mlgolf.core.rules import Contract
from mlgolf.core.text import enumerated
from mlgolf.core.toml_files import read_toml
from mlgolf.results.files import sync_folder
from mlgolf.results.frozen_code import digest, files_below, folder_digest

PLAY = "play"  # the function of an entry
SEARCH_SPACE = "tuning_search_space.json"
DISCLOSURE, _ONCE = "submission.toml", "declared.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A submission as the contestant has it: one module, or a folder with one per framework."""

    name: str
    file: Path  # the module for the framework that is played

    @property
    def is_folder(self) -> bool:
        return self.file.name in MODULES

    @property
    def contract(self) -> Contract:
        """By its names: an entry has a `play`. Its code is read, and not run."""
        try:
            return "entry" if PLAY in _names_at_the_top(self.file) else "submission"
        except (SyntaxError, ValueError):
            return "submission"  # and fails as one, with its own message

    @property
    def search_space(self) -> Path | None:
        path = self.file.with_name(SEARCH_SPACE)
        return path if self.is_folder and path.exists() else None

    @property
    def disclosure(self) -> Disclosure | None:
        """What stands beside it; a module that is given alone has none.

        Raises: RulesError for a file that is no such record; SubmissionError for an earlier kind.
        """
        if not self.is_folder:
            return None
        path, earlier = self.file.with_name(DISCLOSURE), self.file.with_name(_ONCE)
        if earlier.exists():
            raise SubmissionError(
                f"{earlier}: this file is called {DISCLOSURE} now, and its key `learned` "
                "learned_components. Rename both."
            )
        return read_toml(path, Disclosure) if path.exists() else None

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.stat().st_size for file in frozen_files(self).values())


def _names_at_the_top(file: Path) -> Iterator[str]:
    """What a module defines, assigns or imports under a name of its own."""
    for statement in ast.parse(file.read_bytes()).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (t.id for t in targets if isinstance(t, ast.Name))
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                yield from (alias.asname or alias.name for alias in names)


def module_names(framework: str) -> tuple[str, ...]:
    """What the module of a folder may be called, the first that is there."""
    return f"submission_{framework}.py", "submission.py", f"entry_{framework}.py", "entry.py"


MODULES = {*module_names("torch"), *module_names("jax")}


def find_submission(text: str, framework: str) -> Source:
    """By the name of an installed algorithm, or the path of a folder or module.

    Raises: UnknownName; SubmissionError where there is no module for this framework, or a link
      that leads elsewhere.
    """
    path = Path(text)
    if path.is_file() and path.suffix == ".py":
        name = path.resolve().parent.name if path.name in MODULES else path.stem
        return Source(name=name, file=path.resolve())
    if not path.is_dir():
        if path.suffix == ".py" or "/" in text:
            raise SubmissionError(f"{text}: there is no such file or folder")
        path = algorithm_folder(text)
    _checked_links(path)
    for name in module_names(framework):
        if (path / name).is_file():
            return Source(name=path.resolve().name, file=path.resolve() / name)
    if (path / "run.json").is_file():
        raise SubmissionError(
            f"{text} is a run, and no submission. To continue it, give the command that began it "
            f"again, with --out {text} --resume"
        )
    raise SubmissionError(
        f"{text}: {enumerated(f'no {name}' for name in module_names(framework))} there. "
        f"Found: {', '.join(sorted(file.name for file in path.glob('*.py'))) or 'no module'}."
    )


def fingerprint(source: Source) -> str:
    """SHA-256 over the names and bytes of every file of the submission."""
    return digest(sorted(frozen_files(source).items()))


def check_package(sha256: str) -> None:
    """Raises: RunFolderError unless this package is still what was hashed."""
    if package_fingerprint() != sha256:
        raise RunFolderError(
            "the files of mlgolf are not those that this run was begun with. Undo the change, or "
            "start another run; what has been played is kept."
        )


def package_fingerprint() -> str:
    """SHA-256 over the names and bytes of every file of this package: players run it, too."""
    return folder_digest(Path(mlgolf.__file__).parent)


def frozen_files(source: Source) -> dict[str, Path]:
    """All that is hashed and copied, by its name below the folder of the submission.

    Raises: SubmissionError for a link that leads out of it.
    """
    if not source.is_folder:
        return {source.file.name: source.file}
    return files_below(_checked_links(source.file.parent))


def _checked_links(folder: Path) -> Path:
    """What a link leads to is copied, and the contestant's code may read the copy.

    It could lead to a key or to held-out data of whoever hosts.
    """
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise SubmissionError(
                f"{folder}: {path.relative_to(folder)} is a link to {os.readlink(path)}, outside "
                "of the submission. Put the file itself there, if the submission needs it"
            )
    return folder


def freeze(source: Source, destination: Path) -> Path:
    """Copy the submission; returns the copy's module. An interrupted copy is made anew.

    Raises: SubmissionError if a finished copy there is of other code.
    """
    copied = Source(name=source.name, file=destination / source.file.name)
    if not destination.exists():
        partial = destination.with_name(f".{destination.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for name, file in frozen_files(source).items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, partial / name)
        partial.rename(destination)
        sync_folder(destination.parent)
    if fingerprint(copied) != fingerprint(source):
        raise SubmissionError(f"{destination} holds other code than {source.file}")
    return copied.file

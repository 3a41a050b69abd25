"""Published measurements that ship: runs, prices, devices. README.md says what their columns are.

A command that reads a table takes one of these by name, where it takes a file.
"""

from os import PathLike
from pathlib import Path

from mlgolf.core.errors import UnknownName

FOLDER = Path(__file__).parent


def table_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


def published_table(name: str) -> Path:
    """Raises: UnknownName for one that does not ship."""
    if name not in table_names():
        raise UnknownName("published table", name, known=table_names())
    return FOLDER / f"{name}.csv"


def table_or_file(text: str | PathLike[str]) -> Path:
    """A file as it is; a bare name, without a suffix and of no file, is a published table."""
    path = Path(text)
    is_name = not path.suffix and path.name == str(text) and not path.exists()
    return published_table(path.name) if is_name else path

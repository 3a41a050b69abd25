"""The documentation that comes with Python, as documents to model: English with code in it.

`python_docs.txt.xz` was written once, by CPython 3.11.7, and is the same everywhere:

    python -m mlgolf.data.python_docs FILE

It holds the docstrings and longer comments of the standard library, the docstrings of its modules
in C, and the topics of `help()` but those of keywords, which a competition of ours has. Left
out are modules whose source has a licence of its own beside Python's, tests, texts that are not
ASCII, and what was there before.
"""

import ast
import importlib
import inspect
import lzma
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from pydoc import Helper
from pydoc_data.topics import topics

from mlgolf.core.errors import DataError

FILE = Path(__file__).with_name("python_docs.txt.xz")
SEPARATOR = "\f\n"  # between documents
LONGEST = 4_000  # characters of a document, unless one paragraph has more
SHORTEST_TEXT = 60  # characters: below are one-line summaries
LEFT_OUT = frozenset({"site-packages", "pydoc_data", "test", "tests", "idle_test", "__phello__"})
OWN_LICENCE = (
    "hereby granted", "permission to use", "permission is granted", "redistribution",
    "public domain",
)  # fmt: skip


def documents() -> list[str]:
    """The embedded documents, in the order of the modules' and topics' names."""
    return lzma.decompress(FILE.read_bytes()).decode("ascii").split(SEPARATOR)


def collect() -> list[str]:
    """Documents of the Python that runs."""
    seen: set[str] = set()
    parts = [*_module_texts(), *_extension_texts(), *_topic_texts()]
    return [document for texts in parts for document in packed(_new(texts, seen))]


def packed(texts: Iterable[str]) -> Iterator[str]:
    """Texts of one module or topic joined, and cut between paragraphs into documents."""
    document = ""
    for paragraph in "\n\n".join(texts).split("\n\n"):
        if document and len(document) + len(paragraph) + 3 > LONGEST:
            yield f"{document}\n"
            document = ""
        document = f"{document}\n\n{paragraph}" if document else paragraph
    if document:
        yield f"{document}\n"


def _new(texts: Iterable[str], seen: set[str]) -> Iterator[str]:
    for text in texts:
        if len(text) >= SHORTEST_TEXT and text.isascii() and "\f" not in text and text not in seen:
            seen.add(text)
            yield text


def _module_texts() -> Iterator[list[str]]:
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if LEFT_OUT.isdisjoint(path.relative_to(library).parts):
            source = path.read_text("utf-8", errors="ignore")
            if not any(phrase in source.lower() for phrase in OWN_LICENCE):
                yield [*_docstrings(source), *_comments(source)]


def _docstrings(source: str) -> Iterator[str]:
    documented = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented):
            yield _tidy(ast.get_docstring(node) or "")


def _comments(source: str) -> Iterator[str]:
    """Comments on lines of their own, of two lines or more."""
    lines = (line.strip() for line in source.splitlines())
    for is_comment, block in groupby(lines, key=lambda line: line.startswith("#")):
        text = [line.strip("#").removeprefix(" ").rstrip() for line in block]
        if is_comment and len(text) > 1:
            yield "\n".join(text).strip("\n")


def _extension_texts() -> Iterator[list[str]]:
    """Of modules that are written in C."""
    folder = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    names = {path.name.partition(".")[0] for path in folder.glob("*.so")}
    for name in sorted(names | set(sys.builtin_module_names)):
        if "test" not in name:
            try:
                module = importlib.import_module(name)
            except ImportError:  # what it wraps is not installed
                continue
            yield [_tidy(getattr(part, "__doc__", None) or "") for part in _parts(module)]


def _parts(module: object) -> Iterator[object]:
    yield module
    for _, part in sorted(vars(module).items()):
        yield part
        if isinstance(part, type):
            yield from (member for _, member in sorted(vars(part).items()))


def _topic_texts() -> Iterator[list[str]]:
    for name, text in sorted(topics.items()):
        if name not in _keyword_topics():
            yield [_tidy(text)]


def _keyword_topics() -> set[str]:
    """Names of the topics that `help()` shows for a keyword."""
    targets = Helper.keywords.values()
    return {*Helper.keywords, *(target[0] for target in targets if isinstance(target, tuple))}


def _tidy(text: object) -> str:
    """Without common indentation and blanks at the ends of lines."""
    lines = inspect.cleandoc(text).splitlines() if isinstance(text, str) else []
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise DataError("give one argument: the file to write, which ends in .txt.xz")
    text = SEPARATOR.join(collect()).encode("ascii")
    Path(arguments[0]).write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    print(f"{len(text):,} bytes of text")


if __name__ == "__main__":
    main(sys.argv[1:])

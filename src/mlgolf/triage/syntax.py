"""The syntax tree of a file that may hold anything, and the names in it.

Every walk is a loop: a tree may be nested deeper than Python's stack.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from mlgolf.triage.findings import Kind, Seen

MOST_CODE = 400_000  # bytes; taking a larger file apart may take minutes
# Characters that turn the direction of writing, or cannot be seen.
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Code:
    """A file that was parsed.

    nodes: every node in the order of the text, with the function or class that it stands in.
    """

    text: str
    nodes: tuple[tuple[ast.AST, str], ...]


def _nodes(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, within = stack.pop()
        yield node, within
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            within = f"{within}.{node.name}".lstrip(".")
        children = [c for c in ast.iter_child_nodes(node) if not isinstance(c, ast.expr_context)]
        stack += [(child, within) for child in reversed(children)]


def parse(data: bytes) -> tuple[Code | None, list[Seen]]:
    """The code, or None and why there is none; and what is odd about its text."""
    if len(data) > MOST_CODE:
        return None, [_unreadable(
            f"{len(data):,} bytes: code of over {MOST_CODE:,} is not taken apart"
        )]
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
        with warnings.catch_warnings():  # of escapes in its strings, which are not ours
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except SyntaxError as error:  # UnicodeDecodeError of a cookie is one, too
        return None, [_unreadable(f"no Python: {error.msg}", error.lineno or 0)]
    except (ValueError, LookupError) as error:  # null bytes; bytes that are no text
        return None, [_unreadable(f"no Python: {error}")]
    except (RecursionError, MemoryError):
        return None, [_unreadable("nested too deeply to be taken apart")]
    return Code(text, tuple(_nodes(tree))), [*_oddities(encoding, text)]


def _unreadable(what: str, line: int = 0) -> Seen:
    return Seen(Kind.UNREADABLE, what, line)


def _oddities(encoding: str, text: str) -> Iterator[Seen]:
    if encoding not in ("utf-8", "utf-8-sig"):
        yield Seen(Kind.ENCODING, f"written in the encoding {encoding}", 1)
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        for character in sorted({*_HIDDEN.findall(line)}):
            yield Seen(Kind.ENCODING, f"the invisible character U+{ord(character):04X}", number)


def line_of(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def aliases(code: Code) -> dict[str, str]:
    """Names in the file -> dotted names of what was imported, wherever in the file that is done.

    `import numpy as np` gives np -> numpy; `clock = time.perf_counter` gives clock ->
    time.perf_counter. Scopes are not told apart.
    """
    found: dict[str, str] = {}
    for node, _ in code.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                found[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {
                alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names
            }
    for node, _ in code.nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute()):
                if name not in found and (dotted := dotted_name(node.value, found)):
                    found[name] = dotted
    return found


def dotted_name(node: ast.AST, known: dict[str, str]) -> str:
    """What an expression such as `np.random.rand` names, from an import on; empty otherwise."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in known:
        return ""
    return ".".join([known[node.id], *reversed(parts)])


def comments(text: str) -> str:
    """All comments of a file that was parsed, a line each."""
    try:
        tokens = [*tokenize.generate_tokens(io.StringIO(text).readline)]
    except (tokenize.TokenError, SyntaxError, ValueError):
        return ""  # what the parser takes and the tokenizer does not: form feeds, odd line ends
    return "\n".join(token.string for token in tokens if token.type == tokenize.COMMENT)

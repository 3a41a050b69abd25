"""Where code names a workload, a data set, or a split that it is not handed.

A submission trains any workload, so code that tells workloads apart is worth a look outside
`get_batch_size`, which is asked by name.
"""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from mlgolf.triage.findings import Kind, Seen
from mlgolf.triage.syntax import Code, line_of

_HELD_OUT = ("held_out", "heldout", "holdout", "hidden_split", "validation", "test", "eval_train")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What there is to be named."""

    workloads: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


def mentions(code: Code, names: Names) -> Iterator[Seen]:
    """In strings that are values, and in names that the code gives or uses."""
    kinds = (
        ("workload", _pattern(names.workloads)),
        ("data set", _pattern([n for n in names.datasets if n not in names.workloads])),
        ("held-out split", _pattern(_HELD_OUT)),
    )
    known: dict[tuple[str, bool], list[str]] = {}  # names are used over and over
    prose: set[int] = set()
    for node, within in code.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.add(id(node.value))
        if id(node) in prose:
            continue
        for text, is_name in _texts(node):
            if (text, is_name) not in known:
                known[text, is_name] = [*_said(text, is_name, kinds)]
            for said in known[text, is_name]:
                yield Seen(Kind.MENTION, said, line_of(node), within)


def _said(
    text: str, is_name: bool, kinds: Sequence[tuple[str, re.Pattern[str]]]
) -> Iterator[str]:
    how = f"the name {text}" if is_name else f"the string {_shortened(text)!r}"
    for noun, pattern in kinds:
        for word in sorted({found.lower() for found in pattern.findall(_separated(text))}):
            yield f"{noun} {word}: {how}"


def _pattern(words: Collection[str]) -> re.Pattern[str]:
    """Words that stand alone or between underscores; nothing, for no words."""
    longest_first = sorted({*words}, key=len, reverse=True)
    either = "|".join(map(re.escape, longest_first)) or "(?!)"
    return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])", re.IGNORECASE)


def _separated(text: str) -> str:
    """With an underscore where camel case begins a word: TestSplit -> Test_Split."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _texts(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Texts of a node, and whether each is a name."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str | bytes):
            value = node.value
            yield value if isinstance(value, str) else value.decode("latin-1"), False
        return
    for field in ("id", "attr", "arg", "name"):
        name = getattr(node, field, None)
        if isinstance(name, str):
            yield name, True

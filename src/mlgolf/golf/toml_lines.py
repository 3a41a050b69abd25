"""In which line of a TOML file a key stands: tomllib reads values and forgets their places.

It reads files that tomllib accepts; of others it tells what it can.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

Keys = tuple[str | int, ...]  # "rules", "constraints", 0, "quantity"

_TOKEN = re.compile(
    r'(?P<string>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)|(?P<mark>[\[\]{}=,\n])|(?P<bare>[^\s\[\]{}=,#\"']+)|(?P<space>\s)|.",
    re.DOTALL,
)


def line_of(lines: Mapping[Keys, int], keys: Sequence[str | int]) -> int | None:
    """The line of a key; where it is missing, that of the table that should have it.

    Args: lines: of `lines_of_keys`. Returns: from 1; None if not even a table above it is there.
    """
    found = (lines.get(tuple(keys[:end])) for end in range(len(keys), 0, -1))
    return next((line for line in found if line is not None), None)


def lines_of_keys(text: str) -> dict[Keys, int]:
    """The line, from 1, of every key, table and element of an array."""
    reader = _Reader(text)
    reader.read_document()
    return reader.lines


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ("end", "", text.count("\n") + 1)]
        self._at = 0
        self._entries: Counter[Keys] = Counter()  # of arrays of tables, so far
        self.lines: dict[Keys, int] = {}

    @property
    def _text(self) -> str:
        """The token that comes next; a string is never taken for a mark."""
        kind, text, _ = self._tokens[self._at]
        return "" if kind == "string" else text

    @property
    def _ended(self) -> bool:
        return self._tokens[self._at][0] == "end"

    def _next(self) -> tuple[str, str, int]:
        token = self._tokens[self._at]
        self._at += not self._ended
        return token

    def _note(self, keys: Keys, line: int) -> None:
        for end in range(1, len(keys) + 1):
            self.lines.setdefault(keys[:end], line)

    def read_document(self) -> None:
        table: Keys = ()
        while not self._ended:
            if self._text == "[":
                table = self._header()
            elif self._text in ("\n", "]", "}", ",", "="):
                self._next()
            else:
                self._pair(table)

    def _header(self) -> Keys:
        *_, line = self._next()
        is_entry = self._text == "["
        if is_entry:
            self._next()
        *above, last = self._key()
        table: Keys = ()
        for key in above:
            table = self._latest((*table, key))
        table = (*table, last)
        if is_entry:
            self._entries[table] += 1
        table = self._latest(table)
        self._note(table, line)
        return table

    def _latest(self, keys: Keys) -> Keys:
        return (*keys, self._entries[keys] - 1) if keys in self._entries else keys

    def _key(self) -> Keys:
        """A key with its dots; never empty."""
        parts: list[str] = []
        while self._tokens[self._at][0] in ("bare", "string"):
            kind, text, _ = self._next()
            parts += [text[1:-1]] if kind == "string" else [p for p in text.split(".") if p]
        if not parts:
            self._next()
        return tuple(parts) or ("",)

    def _pair(self, table: Keys) -> None:
        line = self._tokens[self._at][2]
        keys = (*table, *self._key())
        self._note(keys, line)
        if self._text == "=":
            self._next()
            self._value(keys)

    def _value(self, keys: Keys) -> None:
        match self._text:
            case "{":
                self._within("}", lambda _: self._pair(keys))
            case "[":
                self._within("]", lambda place: self._element((*keys, place)))
            case _:
                while self._tokens[self._at][0] in ("bare", "string"):
                    self._next()

    def _element(self, keys: Keys) -> None:
        self._note(keys, self._tokens[self._at][2])
        before = self._at
        self._value(keys)
        if self._at == before:
            self._next()

    def _within(self, end: str, read: Callable[[int], object]) -> None:
        self._next()
        place = 0
        while not self._ended and self._text != end:
            if self._text in (",", "\n"):
                self._next()
            else:
                read(place)
                place += 1
        self._next()


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    line = 1
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind in ("string", "mark", "bare"):
            yield kind, found[0], line
        line += found[0].count("\n")

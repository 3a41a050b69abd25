"""Where the numbers of one workload stand, for findings about them."""

from mlgolf.core.rules import Rules
from mlgolf.core.text import key_in_words
from mlgolf.golf.findings import Finding
from mlgolf.golf.game_files import GameFiles


class Place:
    """Keys are said with the finding, so that it can be read without the file."""

    def __init__(self, files: GameFiles, row: str, rules: Rules) -> None:
        """Args: row: the workload's name in the competition."""
        self._files, self._row, self._rules = files, row, rules

    def of_bound(self, quantity: str, what: str) -> Finding:
        """At the number that bounds a quantity: in the row, or in the rules if it stands there."""
        names = [constraint.quantity for constraint in self._rules.constraints]
        number = self._rules.constraints[names.index(quantity)].bound
        if isinstance(number, str):
            return self.of_row(("bounds", number), what)
        return self.of_rules(("constraints", names.index(quantity)), what)

    def of_row(self, keys: tuple[str, ...], what: str) -> Finding:
        where = ("workloads", self._row, *keys)
        return self._files.finding(self._files.rules, where, f"{'.'.join(where)}: {what}")

    def of_rules(self, keys: tuple[str | int, ...], what: str) -> Finding:
        where = ("rules", *keys)
        return self._files.finding(self._files.rules, where, f"{key_in_words(where)}: {what}")

    def of_file(self, part: str, keys: tuple[str | int, ...], what: str) -> Finding:
        """In a file that the definition names."""
        definition = dict(self._files.definitions()).get(self._row, {})
        file = self._files.named(definition).get(part)
        if file is None:
            return self.of_row(("definition", part), what)
        return self._files.finding(file, keys, what)

"""A game of the open division from a text: say it in as few bits as you can, by your own model.

    NAME/competition.toml  data.toml  text.txt
    NAME/baseline/entry.py  a table of which character follows which
    NAME/README.md          for players
"""

from dataclasses import dataclass
from pathlib import Path

from mlgolf.core.errors import DataError
from mlgolf.core.toml_files import toml_string
from mlgolf.golf.examples import Wishes
from mlgolf.golf.texts import SUFFIXES, read_characters
from mlgolf.golf.written import Numbers

OBJECTIVE = "bits"
FILE, WINDOW, MAX_BYTES = "text.txt", 64, 1_000_000
FEWEST, MOST = 10_000, 100_000  # characters: a model is paid for by the labels that it says
KEYS = {"window": WINDOW, "order": "as_given"}  # the end of the text is the twin set
STARTER = Path(__file__).with_name("starter") / "open"
BASELINE = "entry.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenText:
    """What is used of a host's text."""

    used: str
    characters: int  # of all of it

    @property
    def num_classes(self) -> int:
        """A class for each character, and 0 for what stands before the text."""
        return len(set(self.used)) + 1

    @property
    def guesses(self) -> tuple[str, ...]:
        part = "all" if len(self.used) == self.characters else f"the first {len(self.used)} of"
        return (
            f"an example is {WINDOW} characters, its target the next one: window in data.toml, and "
            "with it the shape of inputs in competition.toml",
            f"{part} {self.characters} characters are used; {self.num_classes - 1} of them differ",
        )


def read_open_text(path: Path, wishes: Wishes) -> OpenText:
    """Raises: DataError where no game of bits can be made of it."""
    if path.suffix.lower() not in SUFFIXES and wishes.kind != "text":
        raise DataError(
            f"{path}: --objective {OBJECTIVE} is for a text, {' or '.join(SUFFIXES)}; --kind text "
            "reads any file"
        )
    text = read_characters(path)
    if len(text) < FEWEST:
        raise DataError(
            f"{path}: found {len(text):,} characters; a game of {OBJECTIVE} needs {FEWEST:,} or "
            "more: of less text, no model saves its own length"
        )
    return OpenText(used=text[:MOST], characters=len(text))


def open_competition_toml(numbers: Numbers, text: OpenText) -> str:
    name = numbers.name
    return f"""\
# A game of ML Golf, open division: a text in the fewest bits. What each line means: docs/games.md.
schema_version = 2
name = {toml_string(name)}
title = {toml_string(numbers.title)}
size = "game"

[rules]
contracts = ["entry"]
objective = "{OBJECTIVE}"              # of the model and of the training labels, given the model
constraints = [{{ quantity = "time", bound = "budget_seconds" }}]
every_split_at = 1              # the twin set is measured at each; nobody is told
feedback = ["train", "model"]
hardware = "laptop"

[rules.tuning.self]
studies = 5                     # seeds; the score is the median over them
budget_factor = 1.0

[rules.aggregation]
reached_share = 0.8             # of the seeds must have a score
workloads = "geometric_mean_ratio"

[workloads.{name}]
workload = "onnx"               # players bring the model
metric = "error_rate"           # of the twin set, on the side
goal = "minimise"
eval_every_seconds = {numbers.budget_seconds / 60:.4g}        # models are judged no more often
provenance = "by mlgolf game new; not yet tried"

[workloads.{name}.bounds]
budget_seconds = {numbers.budget_seconds:g}

[workloads.{name}.definition]
data = "data.toml"
inputs = {{ shape = [{WINDOW}], dtype = "int32" }}  # the window of data.toml
num_classes = {text.num_classes}                # characters, and 0 for what stands before the text
max_bytes = {MAX_BYTES}             # of a model's file
"""

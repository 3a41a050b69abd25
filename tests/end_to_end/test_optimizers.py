"""Every line of the table of optimizers in the documentation reaches a target, as it stands."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
PAGE = Path(__file__).parents[2] / "docs" / "submissions.md"
ROW = re.compile(r"^\| (\S+) \| `(from_optimizer\(.*\))` \| ?([\d.]*) ?\|$", re.MULTILINE)
ROWS = list(enumerate(ROW.findall(PAGE.read_text())))
IMPORTS = {
    "torch": "import torch, {package}\nfrom mlgolf.torch import from_optimizer",
    "jax": "import optax, optax.contrib\nfrom mlgolf.jax import from_optimizer",
}
PACKAGES = {
    "torch", "schedulefree", "prodigyopt", "lion_pytorch", "pytorch_optimizer", "optax",
    "optax.contrib",
}


def framework_of(package: str) -> str:
    return "jax" if package.startswith("optax") else "torch"


def test_the_table_has_twenty_optimizers_and_more_from_every_package():
    assert len(ROWS) >= 20
    assert {package for _, (package, _, _) in ROWS} == PACKAGES


@pytest.fixture(scope="module")
def verdict_of(tmp_path_factory, mlgolf) -> Callable[[int], dict]:
    """How the trial of a row ended. Asking for one plays all rows of its framework."""
    folder = tmp_path_factory.mktemp("optimizers")

    @cache
    def verdicts(framework: str) -> dict[int, dict]:
        files = written(framework, folder)
        tuned = {number: file for number, file in files.items() if ROWS[number][1][2]}
        untuned = {number: file for number, file in files.items() if number not in tuned}
        common = ("--framework", framework, "--competition", LINEAR, "--studies", 1, "--seed", 1)
        found = played(mlgolf, tuned, folder / framework, *common, "--trials", 1)
        if untuned:  # nothing of theirs is to be tuned: they set their own rates
            found |= played(mlgolf, untuned, folder / "self", *common, "--tuning", "self")
        return found

    return lambda number: verdicts(framework_of(ROWS[number][1][0]))[number]


def written(framework: str, folder: Path) -> dict[int, Path]:
    """A file for each row: what a user types, after the imports that the page names."""
    files = {}
    for number, (package, line, rate) in ROWS:
        if framework_of(package) == framework:
            space = [{"learning_rate": float(rate)}] if rate else None
            files[number] = folder / f"row_{number}.py"
            files[number].write_text(
                f"from functools import partial\n{IMPORTS[framework].format(package=package)}\n"
                f"space = {space}\nsubmission = {line}\n"
            )
    return files


def played(mlgolf, files: dict[int, Path], out: Path, *options: object) -> dict[int, dict]:
    mlgolf("run", *files.values(), *options, "--out", out)
    found = {}
    for number, file in files.items():
        (verdict,) = (out / file.stem).rglob("verdict.json")
        found[number] = json.loads(verdict.read_text())
    return found


@pytest.mark.long
@pytest.mark.parametrize("number", [n for n, _ in ROWS], ids=[line for _, (_, line, _) in ROWS])
def test_a_line_of_the_table_reaches_its_target(number, verdict_of):
    verdict = verdict_of(number)
    assert verdict["status"] == "TARGET_REACHED", verdict["reason"]

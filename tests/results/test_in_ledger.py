"""What a ledger says against a bundle: its line, and the commitment that its draws came from."""

from pathlib import Path
from typing import Any

import pytest

from mlgolf.core.records import FreshDraw
from mlgolf.results.bundles.in_ledger import find_line
from mlgolf.results.bundles.ledger import Head, Heads
from mlgolf.results.bundles.reading import Bundle, check_bundle
from mlgolf.results.bundles.seal import Seal
from mlgolf.results.bundles.writing import write_bundle

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
KEY, HASH = 64 * "1", 64 * "2"


def heads(*lines: tuple[str, dict[str, Any]]) -> Heads:
    """Lines whose chain nobody looks at here."""
    return Heads(lines=tuple(
        Head(number=number, previous=HASH, kind=kind, time="now", body=body, hash=HASH,
             signature=128 * "0")
        for number, (kind, body) in enumerate([("opened", {"key": KEY}), *lines])
    ))  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Bundle:
    return check_bundle(write_bundle(STORED, tmp_path_factory.mktemp("stored") / "a.zip").path)


def signed(stored: Bundle, number: int, line: int) -> Bundle:
    """As if it were signed, with its number, and drawn by the commitment of a line."""
    fresh = FreshDraw(line=line, value_sha256=HASH)
    facts = stored.manifest.facts.model_copy(update={"fresh": fresh})
    return Bundle(
        path=stored.path,
        seal=Seal(merkle_root=stored.seal.merkle_root, sha256=stored.seal.sha256, key=KEY),
        manifest=stored.manifest.model_copy(
            update={"number": number, "previous": HASH, "facts": facts}
        ),
    )


def lines(stored: Bundle, committed: int = 1, **commitment: Any):
    """Commitment, start and bundle of the run."""
    run, seal = stored.manifest.run, stored.seal
    return (
        ("committed", {"value_sha256": HASH, **commitment}),
        ("started", {"run": run, "committed": committed}),
        ("bundled", {"run": run, "merkle_root": seal.merkle_root, "sha256": seal.sha256}),
    )


def test_a_run_that_was_drawn_by_the_commitment_before_it_has_its_line(stored):
    found = find_line(signed(stored, 3, 1), heads(*lines(stored)))
    assert (found.problem, found.note) == ("", "line 3 of the ledger, now")


def test_an_earlier_commitment_may_not_be_passed_over(stored):
    """A host that knows several secret values would choose among them."""
    found = find_line(
        signed(stored, 4, 2), heads(("committed", {"value_sha256": KEY}), *lines(stored, 2))
    )
    assert "line 1 committed to a value before" in found.problem


def test_an_earlier_commitment_to_other_code_may_be(stored):
    other = ("committed", {"value_sha256": KEY, "submissions": {"x": HASH}})
    assert find_line(signed(stored, 4, 2), heads(other, *lines(stored, 2))).problem == ""


@pytest.mark.parametrize(
    ("commitment", "expected"),
    [
        ({"value_sha256": KEY}, "come from another value"),
        ({"public": "a clock"}, "come from another value"),
        ({"submissions": {"momentum": HASH}}, "other code of theirs"),
    ],
)
def test_the_commitment_must_be_to_this_value_and_this_code(stored, commitment, expected):
    found = find_line(signed(stored, 3, 1), heads(*lines(stored, **commitment)))
    assert expected in found.problem


@pytest.mark.parametrize("line", [0, 2, 3, 99, -1])
def test_a_line_that_commits_to_nothing_is_found(stored, line):
    found = find_line(signed(stored, 3, line), heads(*lines(stored)))
    assert "commits to nothing" in found.problem


def test_a_commitment_that_another_run_used_is_found(stored):
    first = ("started", {"run": HASH, "committed": 1})
    committed, *others = lines(stored)
    found = find_line(signed(stored, 4, 1), heads(committed, first, *others))
    assert "the commitment of another run" in found.problem

"""What the command line checks by its options, a call from Python checks, too."""

from pathlib import Path

import pytest

import mlgolf

TABLE = Path(__file__).parents[2] / "docs" / "tables" / "tradeoff_example.csv"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mlgolf.curve(), "found no table and no run folder"),
        (
            lambda: mlgolf.curve(TABLE, interpolation="cubic"),  # type: ignore[arg-type]
            "unknown interpolation 'cubic'",
        ),
        (lambda: mlgolf.curve(TABLE, confidence=95), "confidence: found 95, allowed is a share"),
        (lambda: mlgolf.fit("chinchilla_runs", confidence=95), "confidence: found 95"),
        (lambda: mlgolf.plan(dollars=5, confidence=95), "confidence: found 95"),
        (lambda: mlgolf.curve(TABLE).save(TABLE), "tradeoff_example.csv: File exists"),
    ],
)
def test_a_mistake_is_told_in_one_message(call, message):
    with pytest.raises(mlgolf.MLGolfError, match=message):
        call()

"""What a diagnosis says in sentences."""

from dataclasses import replace

import pytest

from mlgolf.analysis.diagnosis.bottleneck import Measurements, diagnosed
from mlgolf.analysis.diagnosis.roofline import Ceilings, Floor
from mlgolf.report.diagnosis import sentences

FLOOR = Floor(compute=0.02, bandwidth=0.001, overhead=0.0, flop=1e9, bytes=1e9, operations=5)
STEP = Measurements(
    real=0.1, replay=0.1, load=0.0, forward=0.03, backward=0.06, optimizer=0.01, floor=FLOOR
)


@pytest.mark.parametrize(("best_ms", "is_told"), [(20, False), (200, True)])
def test_ceilings_below_what_a_step_reaches_are_said_to_be_measured_again(best_ms, is_told):
    step = replace(STEP, floor=replace(FLOOR, compute=best_ms / 1e3))
    said = sentences(diagnosed(step), Ceilings(flops=1e11, bandwidth=1e10), None)
    assert any("--fresh-ceilings" in sentence for sentence in said) == is_told

import numpy as np
from synthetic_trials import competition, reaching, trial

from mlgolf.analysis.ablation_sources import of_runs
from mlgolf.core.status import Status
from mlgolf.scoring.sources import Source

LEFT_OUT = {"interpretations": {"unevaluated": "left_out"}}


def read(tmp_path, *trials, **rules):
    source = Source(
        competition=competition(**rules), ruleset="external", framework=None, submissions=None,
        trials=trials,
    )
    found = of_runs(tmp_path, source)
    return found.reached[0], [*found.cells]


def test_a_trial_that_crashed_before_an_evaluation_is_a_tuning_trial_too(tmp_path):
    crashed = trial("ema", "digits", trial=2, status=Status.CRASHED)
    played = [
        *reaching("none", "digits", [10.0]),
        trial("none", "digits", trial=2, seconds=[5.0], values=[0.5]),
        *reaching("ema", "digits", [8.0]), crashed,
    ]
    reached, _ = read(tmp_path, *played, aggregation=LEFT_OUT)
    assert (reached.trials == 2).all()


def test_a_study_without_a_result_counts_as_its_own_longest_trial(tmp_path):
    missed = [
        trial("ema", "digits", trial=number, seconds=[3.0, end], values=[0.9, 0.5])
        for number, end in ((1, 12.0), (2, 6.0))
    ]
    reached, cells = read(tmp_path, *reaching("none", "digits", [29.0]), *missed)
    row = cells.index(("ema",))
    assert np.isinf(reached.costs[row, 0])
    assert reached.limits[row, 0] == 12.0

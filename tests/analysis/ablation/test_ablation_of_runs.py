import numpy as np
from synthetic_trials import competition, reaching, trial

from mlgolf.analysis.ablation.experiment import analysed
from mlgolf.analysis.ablation.inert import Inert
from mlgolf.analysis.ablation.sources import of_runs
from mlgolf.core.status import Status
from mlgolf.scoring.sources import Source

LEFT_OUT = {"interpretations": {"unevaluated": "left_out"}}


def opened(tmp_path, *trials, **rules):
    source = Source(
        competition=competition(**rules), ruleset="external", framework=None, submissions=None,
        trials=trials,
    )
    return of_runs(tmp_path, source)


def read(tmp_path, *trials, **rules):
    found = opened(tmp_path, *trials, **rules)
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


SAME, OTHER = ("ab", "cd"), ("ab", "ef")


def with_models(submission, times, *models):
    return [
        reached for study, of_study in enumerate(models)
        for reached in reaching(submission, "digits", times, model_sha256=of_study)
        if reached.key.study == study
    ]  # fmt: skip


def test_a_method_whose_counted_trials_are_the_same_bits_as_without_it_changed_nothing(tmp_path):
    found = opened(
        tmp_path,
        *with_models("none", [10.0, 11.0], SAME, SAME),
        *with_models("ema", [9.0, 12.0], SAME, OTHER),
    )
    assert found.inert == (Inert(workload="digits", method="ema", same=1, pairs=2),)


def test_trials_that_do_not_count_are_not_looked_at_for_methods_that_changed_nothing(tmp_path):
    slow = trial("ema", "digits", trial=2, seconds=[9.0, 20.0], values=[0.9, 0.1],
                 model_sha256=SAME)  # fmt: skip
    found = opened(
        tmp_path, *with_models("none", [10.0], SAME), *with_models("ema", [8.0], OTHER), slow
    )
    assert found.inert == ()


def test_models_that_nobody_wrote_down_are_not_the_same(tmp_path):
    found = opened(
        tmp_path, *with_models("none", [10.0], ("", "")), *with_models("ema", [8.0], ("", ""))
    )
    assert found.inert == ()


def test_an_ablation_says_of_which_method_its_rows_tell_noise_alone(tmp_path):
    found = analysed(
        opened(
            tmp_path,
            *with_models("none", [10.0, 11.0], SAME, SAME),
            *with_models("ema", [9.0, 12.0], SAME, SAME),
        )
    )
    (said,) = [note for note in found.notes if "changed nothing" in note]
    assert said.startswith("on digits ema changed nothing in 2 of 2 pairs of studies")
    assert "its rows tell noise of the clock alone" in said

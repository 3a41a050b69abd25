"""What competitions that play the workloads of mini share with it."""

from mlgolf.core.competition import load_competition


def test_the_speed_run_has_the_target_and_the_self_tuning_budget_of_mini():
    mini, speed_run = load_competition("mini"), load_competition("speed-run")
    row, theirs = speed_run.workloads["criteo1tb"], mini.workloads["criteo1tb"]
    assert row.bounds["validation_loss"] == theirs.bounds["target"]
    factor = mini.rules.tuning.under("self").budget_factor
    assert row.bounds["budget_seconds"] == factor * theirs.bounds["budget_seconds"]
    assert (row.step_hint, row.eval_every_steps) == (theirs.step_hint, theirs.eval_every_steps)

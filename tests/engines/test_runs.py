"""What a run lays out, before any of it is played."""

from pathlib import Path

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.engines.runs import RunRequest, open_run

LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"


@pytest.mark.parametrize(("points", "distinct"), [("same", 2), ("own", 6)])
def test_studies_share_their_points_only_where_the_rules_say_so(
    tmp_path, data_dir, points, distinct
):
    competition = load_competition(LINEAR)
    tuning = competition.rules.tuning
    external = tuning.external.model_copy(update={"points": points})
    rules = competition.rules.model_copy(
        update={"tuning": tuning.model_copy(update={"external": external})}
    )
    plans = open_run(RunRequest(
        submissions=("nadamw",), competition=competition.model_copy(update={"rules": rules}),
        ruleset="external", trials=2, studies=3, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )).plans  # fmt: skip
    assert len(plans) == 6
    assert len({str(plan.hyperparameters) for plan in plans}) == distinct
    assert len({plan.seed for plan in plans}) == 6

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import RulesError, UnknownName
from mlgolf.core.hardware import load_hardware
from mlgolf.core.quantities import quantities
from mlgolf.core.rules import Constraint
from mlgolf.core.status import Status
from mlgolf.core.target import Goal, Target
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey

KEY = TrialKey(submission="s", framework="torch", workload="w", study=0, trial=1)


def trial(values) -> Trial:
    count = len(values)
    seconds = np.arange(1.0, count + 1)
    return Trial(
        key=KEY, seed=0, hyperparameters={}, status=Status.FINISHED, reason="",
        steps=np.arange(1, count + 1), seconds=seconds, cpu_seconds=seconds,
        wall_seconds=seconds, metrics={"validation/loss": np.array(values, float)},
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(Goal))
def test_meeting_a_target_exactly_counts(value, goal):
    assert Target(metric="m", value=value, goal=goal).met(value)


@given(st.floats(), st.sampled_from(Goal))
def test_a_nan_never_meets_a_target(value, goal):
    assert not Target(metric="m", value=value, goal=goal).met(math.nan)


@given(st.lists(st.floats(allow_nan=True), max_size=20), st.floats(allow_nan=False))
def test_one_value_is_judged_as_it_is_among_others(values, value):
    target = Target(metric="m", value=value, goal=Goal.MINIMISE)
    assert target.met_by(np.array(values)).tolist() == [target.met(v) for v in values]


def test_a_trial_has_a_column_for_every_declared_quantity():
    for name in quantities():
        assert len(trial([0.5, 0.4]).values(name, "loss")) == 2


@pytest.mark.parametrize(("reading", "reaches"), [("met", True), ("beaten", False)])
def test_what_is_asked_of_a_quantity_follows_the_interpretation_of_targets(reading, reaches):
    mini = load_competition("mini")
    aggregation = mini.rules.aggregation
    read = aggregation.interpretations.model_copy(update={"target": reading})
    changed = aggregation.model_copy(update={"interpretations": read})
    rules = mini.rules.model_copy(update={"aggregation": changed})
    asked = rules.asked("validation_metric", mini.workloads["criteo1tb"])
    assert asked is not None
    assert asked.met(asked.value) is reaches


def written(tmp_path, text: str) -> Competition:
    """The one-second competition, with other rules."""
    file = tmp_path / "changed.toml"
    file.write_text(text)
    return load_competition(file)


LINEAR = (Path(__file__).parents[1] / "end_to_end" / "linear.toml").read_text()


def test_rules_under_which_nothing_ends_a_trial_are_refused(tmp_path):
    endless = LINEAR.replace('objective = "time"', 'objective = "l2"')
    endless = re.sub(r"(?s)constraints = \[.*?\n\]", "constraints = []", endless)
    endless = re.sub(r"bounds = .*", "bounds = {}", endless)
    with pytest.raises(RulesError, match="nothing ends a trial that minimises l2"):
        written(tmp_path, endless)


def test_a_bound_is_a_finite_number(tmp_path):
    with pytest.raises(RulesError, match="finite number"):
        written(tmp_path, re.sub(r"target = [\d.]+", "target = nan", LINEAR, count=1))


def test_a_held_out_variant_is_not_chosen_without_its_workload():
    with pytest.raises(RulesError, match="counts only beside criteo1tb"):
        load_competition("algoperf-0.5").select(["criteo1tb_embed_init"])


def test_a_quantity_that_neither_rules_nor_workload_bound_is_not_asked_for():
    mini = load_competition("mini")
    assert mini.rules.asked("train_loss", mini.workloads["criteo1tb"]) is None


@pytest.mark.parametrize("name", competition_names())
def test_every_shipped_competition_loads_with_its_hardware_class(name):
    competition = load_competition(name)
    assert competition.name == name
    load_hardware(competition.rules.hardware)


def test_comments_do_not_change_a_fingerprint_and_numbers_do(tmp_path):
    original = load_competition("mini")
    text = (tmp_path / "copy.toml")
    from mlgolf.core.toml_files import SHIPPED

    source = (SHIPPED / "mini.toml").read_text()
    text.write_text("# another comment\n" + source)
    assert load_competition(text).fingerprint() == original.fingerprint()
    text.write_text(source.replace("tau_max = 4.0", "tau_max = 3.0"))
    assert load_competition(text).fingerprint() != original.fingerprint()


def test_a_competition_is_a_folder_too(tmp_path):
    from mlgolf.core.toml_files import SHIPPED

    (tmp_path / "competition.toml").write_text((SHIPPED / "mini.toml").read_text())
    assert load_competition(tmp_path) == load_competition("mini")


def test_an_unknown_key_is_named():
    with pytest.raises(UnknownName, match=r"Known: .*mini"):
        load_competition("nothing")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RulesError, match=r"gone\.toml"):
        load_competition(tmp_path / "gone.toml")


MINI = load_competition("mini")
ROW = next(iter(MINI.workloads.values()))


def test_a_longer_budget_stretches_bounds_on_what_accumulates_and_no_other():
    metric, time = MINI.rules.targets(ROW, budget_factor=1.5)
    assert time.value == 1.5 * ROW.bounds["budget_seconds"]
    assert (metric.value, metric.goal) == (ROW.bounds["target"], ROW.goal)


def test_a_bound_that_a_workload_leaves_open_bounds_nothing():
    constraint = Constraint(quantity="steps", bound="step_limit")
    assert MINI.rules.target(constraint, ROW) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"targt": 0.04, "budget_seconds": 30}, "found 'targt', which no constraint uses"),
        ({"budget_seconds": 30}, "found no 'target', which the rules bound validation_metric by"),
        ({"target": 0.04, "budget_seconds": 0}, "found 0, allowed is more than 0"),
    ],
    ids=["misspelt", "missing", "zero"],
)
def test_a_bound_that_cannot_hold_is_refused(changed, said):
    record = MINI.as_record()
    record["workloads"]["criteo1tb"]["bounds"] = changed
    with pytest.raises(ValidationError, match=said):
        Competition.model_validate(record)


def test_a_row_may_train_on_a_part_of_the_data_of_its_variant():
    record = MINI.as_record()
    record["workloads"]["criteo1tb"] |= {"variant": "layernorm", "data_fraction": 0.25}
    found = Competition.model_validate(record)
    assert found.played_as("criteo1tb") == ("criteo1tb", "mini_layernorm@0.25")


def test_a_competition_of_the_first_schema_is_read_as_one_of_today():
    """Its four numbers stood beside the workload's others; null was for none."""
    record = MINI.model_dump(mode="json", by_alias=True)
    for row in record["workloads"].values():
        row |= {"step_limit": None, **row.pop("bounds")}
        del row["sources"], row["workload"], row["variant"]
    assert Competition.model_validate({**record, "schema_version": 1}) == MINI


def test_a_field_with_a_default_changes_no_fingerprint():
    spelt_out = MINI.model_dump(mode="json", by_alias=True)
    assert Competition.model_validate(spelt_out).fingerprint() == MINI.fingerprint()
    assert "contract" not in MINI.as_record()["rules"]


def test_a_competition_without_dates_has_the_record_that_it_had_before_there_were_any():
    assert MINI.as_record().keys() & {"opens", "closes"} == set()


OPEN = MINI.model_copy(update={"opens": date(2030, 1, 2), "closes": date(2030, 1, 31)})
WEST = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2030, 1, 1, 23, 59, tzinfo=UTC), "before the competition opens on 2030-01-02"),
        (datetime(2030, 1, 2, tzinfo=UTC), ""),
        (datetime(2030, 1, 31, 23, 59, tzinfo=UTC), ""),
        (datetime(2030, 2, 1, tzinfo=UTC), "after the competition closed on 2030-01-31"),
        (datetime(2030, 1, 31, 20, tzinfo=WEST), "after the competition closed on 2030-01-31"),
    ],
)
def test_a_competition_is_open_on_its_first_and_last_day_in_utc(moment, said):
    assert OPEN.why_not_open(moment) == (said and f"played {said}")


def test_a_competition_without_dates_is_always_open():
    assert MINI.why_not_open(datetime(1970, 1, 1, tzinfo=UTC)) == ""


def test_dates_survive_a_record_of_json():
    dated = Competition.model_validate({**MINI.as_record(), "closes": "2030-01-31"})
    assert dated.as_record()["closes"] == "2030-01-31"
    assert Competition.model_validate(dated.as_record()) == dated


def test_all_bounds_that_cannot_hold_are_said_at_once():
    record = MINI.as_record()
    for row in record["workloads"].values():
        row["bounds"] = {"budget_seconds": 0}
    with pytest.raises(ValidationError) as error:
        Competition.model_validate(record)
    assert str(error.value).count("allowed is more than 0") == len(MINI.workloads)


def tuned_at(row: str) -> dict:
    """Rules of which the workload at half of its steps is tuned at another row."""
    record = load_competition("mini").select(["criteo1tb"]).as_record()
    whole = record["workloads"]["criteo1tb"]
    half = {**whole, "workload": "criteo1tb", "step_hint": 100, "tuned_at": row}
    return {**record, "workloads": {"criteo1tb": whole, "half": half}}


def test_a_row_is_tuned_at_one_that_trains_the_same_and_searches_itself():
    assert Competition.model_validate(tuned_at("criteo1tb")).workloads["half"].tuned_at
    for wrong in ("half", "ogbg"):
        with pytest.raises(ValidationError, match=rf"found '{wrong}'; allowed are .*: criteo1tb"):
            Competition.model_validate(tuned_at(wrong))


def test_a_row_is_not_chosen_without_the_one_that_it_is_tuned_at():
    competition = Competition.model_validate(tuned_at("criteo1tb"))
    assert set(competition.select(["criteo1tb", "half"]).workloads) == {"criteo1tb", "half"}
    with pytest.raises(RulesError, match=r"best at criteo1tb\. Choose criteo1tb, too"):
        competition.select(["half"])

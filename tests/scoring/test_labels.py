"""What stands beside the title of a board."""

import math

import pytest
from synthetic_trials import competition, reaching, trial, workload_rules

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.scoring.labels import (
    OUTSIDE,
    claimed_quantities,
    different_machines,
    half_width,
    how_far_priced_seconds_may_be_off,
)
from mlgolf.scoring.leaderboard import score_competition, to_json

ONE = competition(["digits"])
REACHED = {"seconds": [5.0], "values": [0.1]}


def board(trials, rules=ONE):
    return score_competition(rules, trials, "external")


def on(processor: str | None, speed: float | None = None, **fields):
    header = {"machine": {"processor": processor}}
    if speed is not None:
        header["calibration"] = {"seconds": 1 / speed, "spread": 0.0, "reference_seconds": 1.0}
    return trial(**REACHED, header=header, **fields)


def test_trials_that_are_all_unofficial_have_a_board_with_their_reasons():
    found = board([
        trial("a", **REACHED, unofficial="shared machine"),
        trial("b", **REACHED, unofficial="no sandbox"),
    ])
    assert [entry.score for entry in found.entries] == [1, 1]
    assert found.labels.unofficial == ("no sandbox", "shared machine")
    assert found.labels.titles == ["unofficial"]
    assert found.notes[0] == "unofficial: no sandbox; shared machine"
    assert to_json(found)["unofficial"] == ["no sandbox", "shared machine"]


def test_an_official_trial_leaves_all_unofficial_ones_out():
    found = board([
        *reaching("a", "digits", [5]), trial("b", **REACHED, unofficial="shared machine"),
    ])
    assert {entry.submission: entry.score for entry in found.entries} == {"a": 1, "b": 0}
    assert found.labels.unofficial == ()
    assert "1 trial left out: unofficial (shared machine)" in found.notes


def test_an_official_trial_that_does_not_count_makes_no_board_official():
    found = board([trial("a", status=None), trial("b", **REACHED, unofficial="shared machine")])
    assert found.labels.unofficial == ("shared machine",)


def test_an_official_board_without_claims_has_no_label():
    found = board(reaching("a", "digits", [5]))
    assert found.labels.titles == found.labels.notes == []
    record = to_json(found)
    assert (record["unofficial"], record["practice"], record["claimed"]) == ([], False, [])


@pytest.mark.parametrize(
    ("rules", "workload", "claimed"),
    [
        ({"objective": "steps"}, {}, ("steps",)),
        ({"constraints": [{"quantity": "steps", "bound": "step_limit"}]},
         {"step_limit": 9}, ("steps",)),
        ({"constraints": [{"quantity": "steps", "bound": "step_limit"}]}, {}, ()),
        ({}, {}, ()),
    ],
)
def test_steps_are_claimed_where_rules_minimise_them_or_a_workload_bounds_them(
    rules, workload, claimed
):
    quality = {"quantity": "train_loss", "bound": 1.0}
    constraints = [quality, *rules.get("constraints", [])]
    asked = competition(
        {"digits": workload_rules(**workload)}, **(rules | {"constraints": constraints})
    )
    assert claimed_quantities(asked) == claimed


def test_a_board_that_rests_on_a_claim_says_so_in_title_notes_and_json():
    rules = competition(objective="steps")
    found = board(reaching("a", "digits", [5]), rules)
    assert found.labels.titles == ["number of steps as claimed by the submission"]
    assert "number of steps: as claimed by the submission" in found.notes[0]
    assert to_json(found)["claimed"] == ["steps"]


def test_no_shipped_competition_rests_on_a_claim():
    assert claimed_quantities(load_competition("mini")) == ()


def test_a_board_of_trials_on_known_held_out_data_is_practice():
    found = board([trial("b", **REACHED, header={"held_out": "practice"})])
    assert found.labels.titles == ["practice"]
    assert found.notes[0].startswith("practice: the held-out data come from the published seed")
    assert to_json(found)["practice"] is True


def test_imported_results_and_secret_data_are_no_practice():
    assert not board([
        trial("a", **REACHED), trial("b", **REACHED, header={"held_out": "secret"}),
    ]).labels.practice


def test_trials_on_two_kinds_of_processor_are_said_with_their_speeds():
    found = board([on("A", 1.0), on("B", 2.48, study=1)])
    assert (
        "trials from machines of different speed: A 1.00x, B 2.48x of the reference; times on this "
        "board are seconds on each machine's own clock"
    ) in found.notes


@pytest.mark.parametrize(("speed", "said"), [(1.2, False), (1.3, True)])
def test_one_kind_of_processor_is_said_where_speeds_differ_by_more_than_a_quarter(speed, said):
    assert bool(different_machines([on("A", 1.0), on("A", speed)])) == said


def test_two_kinds_of_processor_of_the_same_speed_are_different_kinds():
    words = different_machines([on("A", 1.0), on("B", 1.0)])
    assert words.startswith("trials from machines of different kinds: A 1.00x, B 1.00x of the ref")


def test_a_machine_that_was_not_recorded_is_not_taken_for_the_other_one():
    assert "A, processor not recorded;" in different_machines([on("A"), on(None)])


def test_imported_trials_have_no_note_on_machines():
    assert different_machines([trial("a", **REACHED), trial("b", **REACHED)]) == ""


def test_trials_on_a_class_that_nobody_can_check_are_labelled_self_reported():
    header = {"hardware": load_hardware("tpu-pod")}
    found = board([trial("a", **REACHED, header=header)])
    assert found.labels.titles == ["self-reported"]
    assert found.notes[0] == (
        "self-reported: that its trials ran on one TPU pod is what their contestants say"
    )
    assert to_json(found)["self_reported"] == ["one TPU pod"]
    assert "self_reported" not in to_json(board([trial("a", **REACHED)]))


def test_where_programs_may_be_entered_the_board_says_that_tuning_before_is_unbounded():
    entries = competition(["digits"], contracts=["entry"])
    assert OUTSIDE.removesuffix(".") in board(reaching("a", "digits", [5]), entries).notes
    assert OUTSIDE.removesuffix(".") not in board(reaching("a", "digits", [5])).notes


def priced(*errors: float | None, pairs: int = 6):
    """Trials that were timed by so many pairs of segments each, with these standard errors."""
    told = [{"factor": 0.9, "pairs": [[1.0, 1.1]] * pairs} for _ in errors]
    return [
        trial("a", **REACHED, header={"clock": {"paired": record | ({"error": e} if e else {})}})
        for record, e in zip(told, errors, strict=True)
    ]


def test_a_board_says_how_far_the_seconds_of_paired_trials_may_be_off():
    words = how_far_priced_seconds_may_be_off([*priced(0.01, 0.02), trial("a", **REACHED)])
    assert words == (  # 2.571 is Student's quantile of five degrees
        "timed beside other trials (paired): 2 trials priced by segments that each played alone, "
        "within 2.6% to 5.1% (95%)"
    )


def test_an_interval_counts_what_no_segment_shows_too():
    record = {"error": 0.03, "pairs": [[1.0, 1.1]] * 6}
    alone, both = half_width([record]), half_width([record | {"repeated_noise": 0.02}])
    assert both == pytest.approx(math.hypot(alone, 1.96 * 0.02), rel=1e-4)


def test_the_interval_of_a_ratio_is_of_both_errors_and_all_pairs():
    record = {"error": 0.03, "pairs": [[1.0, 1.1]] * 6}  # 2.228 is Student's of ten degrees
    assert half_width([record, record]) == pytest.approx(2.228 * 0.03 * 2**0.5, rel=1e-3)


def test_of_one_pair_each_nobody_knows_how_far_seconds_may_be_off():
    assert "nobody knows" in how_far_priced_seconds_may_be_off(priced(None, pairs=1))


def test_a_board_of_trials_that_were_timed_alone_has_no_note_on_pricing():
    assert how_far_priced_seconds_may_be_off([trial("a", **REACHED)]) == ""


def test_disturbed_trials_that_count_are_named_with_the_reason():
    header = {"disturbed": "the probe took longer", "repeated": 2}
    found = board([trial("a", **REACHED, header=header), trial("b", **REACHED)])
    (note,) = (note for note in found.notes if note.startswith("disturbed"))
    assert found.labels.titles == ["1 disturbed trial"]
    assert note.startswith("disturbed, 1 trial: the machine was slower or busier")
    assert "(a/study_0/digits_torch/trial_1: the probe took longer)" in note
    assert to_json(found)["disturbed"] == [{
        "trial": "a/study_0/digits_torch/trial_1", "why": "the probe took longer", "repeated": 2,
    }]  # fmt: skip
    assert "disturbed" not in to_json(board([trial("b", **REACHED)]))


def test_of_many_disturbed_trials_three_are_named():
    header = {"disturbed": "busy"}
    found = board([
        trial("a", **REACHED, trial=number, header=header) for number in range(1, 6)
    ])  # fmt: skip
    (note,) = (note for note in found.notes if note.startswith("disturbed"))
    assert note.count(": busy") == 3
    assert note.endswith("and 2 other trials)")


def test_a_trial_that_is_to_be_repeated_does_not_count():
    header = {"disturbed": "busy", "to_repeat": True}
    found = board([trial("a", **REACHED, header=header), trial("b", **REACHED)])
    assert "1 trial left out: disturbed, to be repeated with --resume" in found.notes

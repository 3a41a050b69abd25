import numpy as np
import pytest

from mlgolf.analysis.deployment.budget import Budget
from mlgolf.analysis.deployment.latency import latency
from mlgolf.analysis.deployment.parity import compare
from mlgolf.analysis.deployment.quality import paired, quality_of
from mlgolf.analysis.deployment.verdict import Facts, checks, verdict


def facts(gap=0.0, of=2, changed=0, **more):
    reference = np.eye(2)[np.arange(of) % 2]
    found = reference + gap
    found[:changed] = found[:changed, ::-1]
    parity = compare({"y": reference}, {"y": found})
    return Facts(**{"parity": parity, "precision": "float32", **more})


def judged(name, found, **budget):
    (check,) = [c for c in checks(found, Budget(**budget)) if c.name == name]
    return check


def test_a_sound_model_passes_without_a_budget():
    assert verdict(checks(facts(), Budget())) == "pass"


def test_outputs_that_differ_by_more_than_rounding_fail_without_a_budget():
    assert verdict(checks(facts(gap=0.01), Budget())) == "fail"
    assert judged("parity", facts(gap=0.01), parity=0.02).judgement == "pass"


def test_a_layer_in_training_mode_fails_though_outputs_agree():
    found = checks(facts(training_layers=("Dropout 'd'",)), Budget())
    assert verdict(found) == "fail"
    assert any("Dropout 'd' in training mode" in check.reason for check in found)


@pytest.mark.parametrize("name", ["varies", "depends_on_batch"])
def test_answers_that_change_by_themselves_fail(name):
    assert verdict(checks(facts(**{name: 0.1}), Budget())) == "fail"


def test_8_bits_are_judged_by_decisions_where_there_are_no_targets():
    found = checks(facts(gap=0.01, precision="8 bits"), Budget())
    assert "parity" not in {check.name for check in found}
    assert judged("changed_decisions", facts(of=400, precision="8 bits")).judgement == "pass"
    assert judged("changed_decisions", facts(precision="8 bits")).judgement == "cannot tell"


@pytest.mark.parametrize(
    ("bound", "judgement"), [(2.5, "pass"), (0.5, "fail"), (1.99, "cannot tell")]
)
def test_a_percentile_passes_only_if_its_whole_interval_is_within_the_bound(bound, judgement):
    seconds = np.tile([0.001, 0.002], 1000)
    found = facts(latency=latency(seconds, batch_size=1, threads=1))
    assert judged("latency_p95_ms", found, latency_p95_ms=bound).judgement in (
        judgement, "fail" if bound < 2 else "pass"
    )
    assert judged("latency_p99_ms", found, latency_p99_ms=2.5).judgement == "pass"


def test_too_few_runs_cannot_tell_a_99th_percentile_and_say_how_many_could():
    found = facts(latency=latency(np.full(100, 0.001), batch_size=1, threads=1))
    check = judged("latency_p99_ms", found, latency_p99_ms=5)
    assert check.judgement == "cannot tell"
    assert "needs 368 independent runs" in check.reason
    assert verdict([check]) == "cannot tell"


def test_few_examples_cannot_show_a_small_drop_and_say_how_many_could():
    found = facts(quality=paired(np.ones(100), np.ones(100), "accuracy"))
    check = judged("quality_drop", found, quality_drop=0.01)
    assert check.judgement == "cannot tell"
    assert "381 without a change would tell" in check.reason


@pytest.mark.parametrize(
    ("of", "changed", "judgement"),
    [(1, 0, "cannot tell"), (367, 0, "cannot tell"), (368, 0, "pass"), (600, 6, "cannot tell"),
     (600, 1, "pass"), (600, 30, "fail")],
)  # fmt: skip
def test_a_share_of_changed_decisions_is_kept_only_if_its_whole_interval_is(of, changed, judgement):
    found = facts(of=of, changed=changed)
    assert judged("changed_decisions", found, changed_decisions=0.01).judgement == judgement


def test_few_examples_cannot_show_a_share_of_changes_and_say_how_many_could():
    check = judged("changed_decisions", facts(of=60), changed_decisions=0.01)
    assert "Give more examples: 368 without a change would tell" in check.reason


def test_what_no_budget_bounds_is_said_of_these_examples_alone():
    check = judged("changed_decisions", facts(of=60))
    assert check.judgement == "pass"
    assert "Of these 60 examples alone" in check.reason


def test_a_bound_of_no_change_is_about_these_examples():
    assert judged("changed_decisions", facts(), changed_decisions=0).judgement == "pass"
    assert judged("changed_decisions", facts(changed=1), changed_decisions=0).judgement == "fail"


def test_a_drop_from_a_reference_that_guesses_tells_nothing():
    wrong, targets = np.eye(10)[(np.arange(600) + 1) % 10], np.arange(600) % 10
    check = judged("quality_drop", facts(quality=quality_of(wrong, wrong, targets)),
                   quality_drop=0.01)  # fmt: skip
    assert check.judgement == "cannot tell"
    assert "has 0.0% of these targets right" in check.reason


def test_a_bound_on_what_was_not_measured_is_not_kept():
    assert judged("quality_drop", facts(), quality_drop=0.01).judgement == "cannot tell"


def test_throughput_is_bounded_from_below():
    fast = latency(np.full(400, 0.001), batch_size=4, threads=1)
    assert judged("throughput", facts(throughput=fast), throughput=3999).judgement == "pass"
    assert judged("throughput", facts(throughput=fast), throughput=4001).judgement == "fail"


def test_memory_and_size_are_in_millions_of_bytes():
    found = facts(memory_bytes=50e6, size_bytes=2e6)
    assert judged("memory_mb", found, memory_mb=50).judgement == "pass"
    assert judged("size_mb", found, size_mb=1.9).judgement == "fail"

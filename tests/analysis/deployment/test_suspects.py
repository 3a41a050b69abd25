import numpy as np

from mlgolf.analysis.deployment.device import RUN, OperatorTime
from mlgolf.analysis.deployment.parity import compare
from mlgolf.analysis.deployment.suspects import (
    CutOff,
    LayerCost,
    NamedTime,
    Undone,
    of_agreement,
    of_eight_bits,
    slow_operators,
)
from mlgolf.analysis.deployment.verdict import Facts


def facts(gap, **more):
    reference = np.random.default_rng(0).standard_normal((40, 3))
    return Facts(
        parity=compare({"y": reference}, {"y": reference + gap}), precision="float32", **more
    )


def faults(*arguments):
    return [(one.fault, one.strength) for one in of_agreement(*arguments)]


SCALED = Undone(fault="preprocessing", says="the input divided by 255", relative=1e-6)
TURNED = Undone(fault="transposed axis", says="axes turned", relative=0.4)


def test_where_outputs_agree_nothing_is_suspected():
    assert faults(facts(0.0), [SCALED], 1e-4) == []


def test_what_makes_outputs_agree_is_named_and_the_rest_is_not():
    assert faults(facts(2.0), [TURNED, SCALED], 1e-4) == [("preprocessing", "undone")]


def test_what_only_helps_is_possible():
    helps = Undone(fault="preprocessing", says="scaled", relative=0.05)
    assert faults(facts(2.0), [helps], 1e-4) == [("preprocessing", "possible")]


def test_what_leaves_half_of_the_outputs_size_does_not_help():
    assert faults(facts(90.0), [Undone(fault="x", says="", relative=0.6)], 1e-4) == [
        ("unknown", "possible")
    ]


def test_without_an_explanation_it_is_said_what_was_tried_and_what_to_do():
    (one,) = of_agreement(facts(2.0), [TURNED], 1e-4)
    assert one.fault == "unknown"
    assert "layer by layer" in one.says


def test_a_few_examples_that_make_the_difference_are_told_from_all():
    gap = np.zeros((40, 3))
    gap[7] = 1.0
    assert faults(facts(gap), [], 1e-4) == [("single examples", "seen")]


def test_nan_in_one_of_the_two_is_seen():
    gap = np.zeros((40, 3))
    gap[7] = np.nan
    assert faults(facts(gap), [], 1e-4) == [("not finite", "seen")]


def test_dropout_that_this_runtime_takes_out_is_still_told():
    (one,) = of_agreement(facts(0.0, training_layers=("Dropout 'd'",)), [], 1e-4)
    assert (one.fault, one.strength) == ("training mode", "seen")
    assert "another may not" in one.says


def test_an_answer_that_depends_on_its_batch_is_possibly_one_of_training():
    assert faults(facts(0.0, depends_on_batch=0.1), [], 1e-4) == [("training mode", "possible")]


def cost(relative, weights=1.0, inputs=1.0):
    return LayerCost(layer="fc", operator="Gemm", relative=relative, changed=0.5,
                     weight_spread=weights, input_spread=inputs)  # fmt: skip


def test_a_channel_that_leaves_the_others_few_levels_is_named_where_8_bits_cost_too_much():
    (one,) = of_eight_bits([cost(0.8, inputs=500.0)], [], bad=True)
    assert one.fault == "8-bit overflow"
    assert "500 times as large" in one.says
    assert [*of_eight_bits([cost(0.8, inputs=500.0)], [], bad=False)] == []


def test_a_costly_layer_whose_channels_are_alike_is_no_overflow():
    assert [*of_eight_bits([cost(0.8)], [], bad=True)] == []


def test_operators_of_another_kind_that_cost_most_are_named_where_8_bits_cost_too_much():
    mask = LayerCost(layer="all 2 Softmax", operator="Softmax", relative=0.7, changed=1.0,
                     together=2)  # fmt: skip
    (one,) = of_eight_bits([mask, cost(0.04)], [], bad=True)
    assert one.says.startswith("8 bits of all 2 Softmax alone change the outputs by 0.7")
    assert [*of_eight_bits([mask, cost(0.04)], [], bad=False)] == []


def test_values_beyond_their_scale_are_named_with_their_share():
    (one,) = of_eight_bits([], [CutOff(layer="Conv 'c'", share=0.34)], bad=False)
    assert one.says.startswith("34.0% of the values that go into Conv 'c'")
    assert [*of_eight_bits([], [CutOff(layer="c", share=0.001)], bad=False)] == []


def test_a_model_in_8_bits_with_a_channel_too_large_is_named_where_decisions_change():
    wide = CutOff(layer="Gemm 'fc'", share=0.0, spread=900.0)
    (one,) = of_eight_bits([], [wide], bad=True)
    assert "Gemm 'fc' is 900 times as large" in one.says
    assert [*of_eight_bits([], [wide], bad=False)] == []


def row(operator, seconds, dtype="float", shape=(100, 100)):
    time = OperatorTime(operator=operator, dtype=dtype, inputs=(shape,), outputs=(shape,),
                        seconds=seconds)  # fmt: skip
    return NamedTime(name=operator.lower(), time=time)


USUAL = [row("Relu", 1e-5), row("Add", 1e-5), row("Mul", 1.2e-5), row(RUN, 1e-6)]


def test_operators_of_one_speed_are_not_slow():
    assert [*slow_operators(USUAL)] == []


def test_an_operator_that_takes_long_for_its_work_is_possibly_slow():
    (one,) = slow_operators([*USUAL, row("CumSum", 5e-4)])
    assert one.strength == "possible"
    assert "CumSum cumsum takes 94% of a run" in one.says


def test_a_large_operator_that_takes_its_time_is_not_slow():
    assert [*slow_operators([*USUAL, row("Sqrt", 1e-3, shape=(1000, 1000))])] == []


def test_double_precision_and_loops_are_named():
    (double,) = slow_operators([*USUAL, row("MatMul", 1e-3, dtype="double")], ["cast"])
    assert "double precision" in double.says
    (loop,) = slow_operators([*USUAL, row("Loop", 1e-3)])
    assert "loop within the graph" in loop.says

"""Models that contestants bring: read by the referee, run in a process without labels."""

import hashlib
import json
import math
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mlgolf.core.errors import SubmissionError
from mlgolf.core.registry import played_workload
from mlgolf.data import layout
from mlgolf.measures.label_bits import example_bits
from mlgolf.measures.onnx_models import code_bits, read_model
from mlgolf.player.handover import Handover
from mlgolf.referee.evaluate_onnx import OnnxEvaluator, believable
from mlgolf.referee.evaluators import evaluator_for
from mlgolf.referee.predicting import answer_in

TEXT = "abracadabra\n" * 50
CLASSES = 7


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory) -> Iterator[OnnxEvaluator]:
    folder = tmp_path_factory.mktemp("text")
    (folder / "t.txt").write_text(TEXT)
    definition = {
        "data": {
            "file": "t.txt", "sha256": hashlib.sha256(TEXT.encode()).hexdigest(), "window": 3,
            "train": 500, "twin": 100, "order": "as_given", "licence": "CC0-1.0", "origin": "here",
        },
        "inputs": {"shape": [3], "dtype": "int32"}, "num_classes": CLASSES, "max_bytes": 10_000,
    }  # fmt: skip
    workload = played_workload("onnx", "game", definition, folder)
    layout.ensure(workload, "game", folder)
    place = layout.prepared_folder(workload, "game", folder)
    found = evaluator_for("onnx", "game", "torch", place, "one-thread-cpu", json.dumps(definition))
    assert isinstance(found, OnnxEvaluator)
    found.warm_up()
    yield found
    found.close()


def file_of(nodes, **constants) -> bytes:
    graph = helper.make_graph(
        nodes, "model",
        [helper.make_tensor_value_info("x", TensorProto.INT32, ["batch", 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset).SerializeToString()


def bigrams(table: np.ndarray, *more) -> bytes:
    """Logits by the last character."""
    nodes = [
        helper.make_node("Gather", ["x", "last"], ["c"], axis=1),
        helper.make_node("Gather", ["table", "c"], ["logits" if not more else "before"]),
        *more,
    ]
    return file_of(nodes, last=np.array(2), table=table.astype(np.float32))


def handed_over(file: bytes) -> bytes:
    buffer = bytearray(len(file) + 1000)
    length = Handover(buffer).write({"model": np.frombuffer(file, np.uint8)})
    return bytes(buffer[:length])


def judged(evaluator: OnnxEvaluator, file: bytes, splits=("train",)) -> dict[str, float]:
    return evaluator.evaluate(evaluator.read(handed_over(file)), splits)


def test_bits_are_those_of_the_model_and_of_the_labels_given_it(evaluator):
    file = bigrams(np.zeros((CLASSES, CLASSES)))
    found = judged(evaluator, file)
    assert found["train/label_bits"] == pytest.approx(500 * math.log2(CLASSES))
    assert found["model/code_bits"] == code_bits(read_model(file, max_bytes=10_000))
    assert found["train/bits"] == found["model/code_bits"] + found["train/label_bits"]


def test_the_twin_set_is_measured_beside(evaluator):
    found = judged(evaluator, bigrams(np.zeros((CLASSES, CLASSES))), ("train", "test"))
    assert found["test/loss"] == pytest.approx(math.log(CLASSES))


def test_the_same_file_gets_the_same_bits_again(evaluator):
    file = bigrams(np.random.default_rng(0).normal(size=(CLASSES, CLASSES)))
    assert judged(evaluator, file) == judged(evaluator, file)


def test_a_label_of_probability_0_costs_infinitely_many_bits(evaluator):
    table = np.zeros((CLASSES, CLASSES))
    table[:, 2] = -np.inf
    assert judged(evaluator, bigrams(table))["train/bits"] == math.inf


def test_a_model_that_looks_at_other_examples_of_the_batch_is_refused(evaluator):
    centred = [
        helper.make_node("ReduceMean", ["before", "axis"], ["mean"]),
        helper.make_node("Sub", ["before", "mean"], ["logits"]),
    ]
    table = np.random.default_rng(0).normal(size=(CLASSES, CLASSES)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["x", "last"], ["c"], axis=1),
        helper.make_node("Gather", ["table", "c"], ["before"]), *centred,
    ]
    file = file_of(nodes, last=np.array(2), table=table, axis=np.array([0]))
    with pytest.raises(SubmissionError, match="when they stand in other batches"):
        judged(evaluator, file)


def test_an_operator_off_the_list_is_refused(evaluator):
    file = bigrams(
        np.zeros((CLASSES, CLASSES)), helper.make_node("Dropout", ["before"], ["logits"])
    )
    with pytest.raises(SubmissionError, match="Dropout"):
        judged(evaluator, file)


def test_a_file_of_more_bytes_than_allowed_is_refused(evaluator):
    with pytest.raises(SubmissionError, match="at most 10000 are allowed"):
        judged(evaluator, bigrams(np.zeros((400, CLASSES))))


def test_arrays_that_are_no_file_are_refused(evaluator):
    buffer = bytearray(1000)
    length = Handover(buffer).write({"weight": np.zeros(3, np.float32)})
    with pytest.raises(SubmissionError, match="no file of a model"):
        evaluator.read(bytes(buffer[:length]))


def test_a_model_of_too_few_classes_is_refused_and_the_next_one_is_judged(evaluator):
    with pytest.raises(SubmissionError, match=r"give logits, float32 \(500, 7\)"):
        judged(evaluator, bigrams(np.zeros((CLASSES, 3))))
    assert judged(evaluator, bigrams(np.zeros((CLASSES, CLASSES))))["train/bits"] > 0


def test_after_its_process_was_killed_the_next_model_is_judged_in_a_new_one(evaluator):
    before = evaluator.helpers_cpu_seconds()
    predictor = evaluator._started()
    os.kill(predictor._held.pid, signal.SIGKILL)
    file = bigrams(np.zeros((CLASSES, CLASSES)))
    with pytest.raises(SubmissionError, match="ended its process"):
        judged(evaluator, file)
    assert judged(evaluator, file)["train/bits"] > 0
    assert evaluator._predictor is not predictor
    assert evaluator.helpers_cpu_seconds() >= before


@pytest.mark.parametrize("claimed", [0.0, 1000.0, np.inf])
def test_of_a_row_with_a_nan_nothing_is_believed(claimed):
    """Such a sum is above no bound, so any number could stand beside the NaN."""
    said = np.array([[claimed, claimed, np.nan], [-0.5, -1.5, -2.0]])
    bits = example_bits(believable(said), np.array([0, 0]))
    assert bits.tolist() == [math.inf, 0.5 / math.log(2)]


@pytest.mark.parametrize("data", [b"", b"[" * 60_000, b'{"a":' * 9_000, b"[]", b"1", b"\xff"])
def test_what_is_no_answer_of_a_process_is_none(data):
    assert answer_in(data) is None
    assert answer_in(b'{"error": "x"}') == {"error": "x"}


def test_judging_counts_the_time_of_the_process_that_runs_the_model(evaluator):
    before = evaluator.helpers_cpu_seconds()
    judged(evaluator, bigrams(np.zeros((CLASSES, CLASSES))))
    assert evaluator.helpers_cpu_seconds() > before


"""Tricks with models of one's own, on a text of random letters: nothing says it in fewer bits.

Each trick stands beside an honest look-alike that is accepted.
"""

import hashlib
import math

import numpy as np
import pytest

from mlgolf.measures.onnx_models.code import SLACK_BITS
from mlgolf.results.run_folder import RunFolder

LETTERS, WINDOW = 4, 32
TEXT = "".join(np.random.default_rng(0).choice(list("abcd"), 1200))
UNIFORM_BITS = 1000 * math.log2(LETTERS)  # of all labels, by a model that knows the letters alone
RULES = f"""
schema_version = 2
name = "random-letters"
title = "Random letters in the fewest bits"
size = "game"

[rules]
contracts = ["entry"]
objective = "bits"
constraints = [{{ quantity = "time", bound = "budget_seconds" }}]
every_split_at = 1
feedback = ["train", "model"]
hardware = "one-thread-cpu"
tuning.self = {{ studies = 1, budget_factor = 1.0 }}
aggregation.workloads = "geometric_mean_ratio"

[workloads.letters]
workload = "onnx"
metric = "error_rate"
goal = "minimise"
eval_every_seconds = 0.02
bounds = {{ budget_seconds = 10 }}
provenance = "this test"

[workloads.letters.definition]
inputs = {{ shape = [{WINDOW}], dtype = "int32" }}
num_classes = {LETTERS + 1}
max_bytes = 100000

[workloads.letters.definition.data]
file = "t.txt"
window = {WINDOW}
train = 1000
twin = 200
order = "as_given"
licence = "CC0-1.0"
origin = "this test"
sha256 = "{hashlib.sha256(TEXT.encode()).hexdigest()}"
"""
ENTRY = """
import numpy as np
from onnx import TensorProto, helper, numpy_helper

def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs.split(), [output], **attributes)

def submit(game, nodes, **constants):
    "Hands the model over when it will be judged at once."
    constants |= {"last": np.array(31), "log": np.log([1e-9, 1, 1, 1, 1]).astype("f4")}
    model = helper.make_model(helper.make_graph(
        nodes, "model",
        [helper.make_tensor_value_info("x", TensorProto.INT32, ["batch", 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", None])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    ), opset_imports=[helper.make_opsetid("", 20)])
    begun = game.seconds_left
    while begun - game.seconds_left < 0.2:  # models are judged no more often than each 0.02 s
        pass
    assert game.submit(model)

LAST = node("Gather", "x last", "c", axis=1)  # the last letter
CLASSES = np.arange(5, dtype=np.int32)
LETTERS = [node("Mul", "c zero", "none"), node("Cast", "none", "nothing", to=1),
           node("Unsqueeze", "nothing one", "column"), node("Add", "column log", "logits")]
def uniform(game):
    submit(game, [LAST, *LETTERS], zero=np.int32(0), one=np.array([1]))
"""


@pytest.fixture
def trial_of(mlgolf, tmp_path):
    """Plays an entry. Returns: its trial."""
    game = tmp_path / "game"
    game.mkdir()
    (game / "t.txt").write_text(TEXT)
    (game / "competition.toml").write_text(RULES)

    def play(text: str, *, expect: int | None = 0):
        entry, run = tmp_path / "mine.py", tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        entry.write_text(ENTRY + text)
        mlgolf("run", entry, "--competition", game, "--seed", 1, "--out", run, expect=expect)
        (trial,) = RunFolder(run).trials()
        return trial

    return play


def bits_of(trial) -> list[float]:
    return trial.metrics["train/bits"].tolist()


def test_a_model_that_knows_the_letters_alone_is_near_the_best(trial_of):
    (bits,) = bits_of(trial_of("play = uniform"))
    assert UNIFORM_BITS < bits < UNIFORM_BITS + 1000


def test_constants_in_attributes_count_as_much_as_any(trial_of):
    trial = trial_of("""
TABLE = np.random.default_rng(0).normal(size=5000).astype("f4")
USED = [node("Gather", "long c", "d"), node("Unsqueeze", "d one", "column"),
        node("Add", "column log", "logits")]

def play(game):
    submit(game, [LAST, *USED], long=TABLE, one=np.array([1]))
    hidden = helper.make_node("Constant", [], ["long"], value_floats=TABLE.tolist())
    submit(game, [LAST, hidden, *USED], one=np.array([1]))
""")
    honest, hidden = bits_of(trial)
    assert hidden > honest - SLACK_BITS
    assert honest > UNIFORM_BITS + 5000 * 23


def test_a_number_whose_digits_are_labels_costs_what_they_hold(trial_of):
    trial = trial_of("""
def play(game):
    uniform(game)
    # An example with n letters before it is the n-th: two binary digits of the number.
    labels = game.train["targets"][:31].astype(int) - 1
    number = np.uint64(sum(label << 2 * n for n, label in enumerate(labels.tolist())))
    submit(game, [
        node("Sign", "x", "given"), node("ReduceSum", "given one", "n"),
        node("Mul", "n two", "m"), node("Cast", "m", "place", to=13),
        node("BitShift", "number place", "moved", direction="RIGHT"),
        node("BitwiseAnd", "moved three", "digit"), node("Cast", "digit", "label", to=6),
        node("Add", "label first", "class"), node("Equal", "class classes", "is"),
        node("Less", "n end", "early"), node("And", "is early", "known"),
        node("Cast", "known", "sure", to=1), node("Mul", "sure twenty", "more"),
        node("Add", "more log", "logits"),
    ], one=np.array([1]), two=np.int32(2), number=number, three=np.uint64(3), first=np.int32(1),
       classes=CLASSES, end=np.int32(31), twenty=np.float32(20))
""")
    honest, cheating = bits_of(trial)
    labels = trial.metrics["train/label_bits"]
    assert labels[1] == pytest.approx(labels[0] - 62, abs=1)  # it knows the 31 labels …
    assert cheating > honest  # … and gains nothing


def test_a_table_of_labels_by_input_counts_in_full(trial_of):
    trial = trial_of("""
def play(game):
    uniform(game)
    # Six letters as a number of base 4, and what follows them.
    factors = 4 ** np.arange(6, dtype=np.int32)
    letters = game.train["inputs"][:, -6:]
    table = np.zeros(4096 * 4, np.uint8)
    table[letters @ factors] = game.train["targets"]
    submit(game, [
        node("Gather", "x places", "six", axis=1), node("MatMul", "six factors", "key"),
        node("Gather", "table key", "t"), node("Cast", "t", "label", to=6),
        node("Unsqueeze", "label one", "column"), node("Equal", "column classes", "is"),
        node("Cast", "is", "sure", to=1), node("Mul", "sure three", "more"),
        node("Add", "more log", "logits"),
    ], places=np.arange(26, 32), factors=factors, table=table, one=np.array([1]), classes=CLASSES,
       three=np.float32(3))
""")
    honest, cheating = bits_of(trial)
    labels = trial.metrics["train/label_bits"]
    assert labels[1] < 0.6 * labels[0]  # it knows most labels …
    assert cheating > honest  # … and gains nothing


def test_weights_in_the_source_are_allowed_and_count_where_they_act(trial_of):
    rows = np.random.default_rng(0).integers(9, size=(5, 4)).tolist()
    table = [[0, *row] for row in rows]
    use = """
def play(game):
    submit(game, [LAST, node("Gather", "table c", "more"), node("Add", "more log", "logits")],
           table=np.array(table).astype("f4"))
"""
    computed = """
rows = np.random.default_rng(0).integers(9, size=(5, 4))
table = np.concatenate([np.zeros((5, 1)), rows], axis=1)
"""
    (stored,) = bits_of(trial_of(f"table = {table}" + use))
    assert [stored] == bits_of(trial_of(computed + use))


@pytest.mark.parametrize(
    ("trick", "said"),
    [
        (
            'helper.make_node("If", ["yes"], ["logits"], then_branch=helper.make_graph([], "g", [],'
            ' [helper.make_tensor_value_info("same", TensorProto.FLOAT, None)]))',
            "If",
        ),
        ('node("Gelu", "same", "logits", domain="com.microsoft")', "com.microsoft"),
        ('node("Bernoulli", "same", "logits")', "Bernoulli"),
    ],
)
def test_a_graph_off_the_list_is_refused(trial_of, trick, said):
    trial = trial_of(f"""
def play(game):
    letters = [LAST, *LETTERS[:-1], node("Add", "column log", "same"), {trick}]
    submit(game, letters, zero=np.int32(0), one=np.array([1]), yes=np.array(True))
""", expect=2)  # fmt: skip
    assert trial.verdict.broke_contract
    assert said in trial.reason


COUNTED = """
def play(game):
    submit(game, [
        node("CumSum", "x axis", "sums"), node("Gather", "sums last", "sum", axis=1),
        node("Cast", "sum", "scale", to=1), node("Unsqueeze", "scale one", "column"),
        node("Mul", "column log", "logits"),
    ], axis=np.array(AXIS), one=np.array([1]))
"""


def test_a_model_that_counts_along_its_own_example_is_accepted(trial_of):
    assert len(bits_of(trial_of(COUNTED.replace("AXIS", "1")))) == 1


def test_a_model_that_counts_along_the_batch_is_refused(trial_of):
    trial = trial_of(COUNTED.replace("AXIS", "0"), expect=None)
    assert "train/bits" not in trial.metrics
    assert "the model handed over is refused" in trial.reason
    assert "another probability when they stand in other batches" in trial.reason

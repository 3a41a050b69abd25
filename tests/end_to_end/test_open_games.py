"""A game whose model the contestant brings, played by programs that write ONNX by hand."""

import hashlib
import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_verdict

TEXT = "abracadabra\n" * 100
RULES = """
schema_version = 2
name = "tiny-text"
title = "A text of seven characters in the fewest bits"
size = "game"

[rules]
contracts = ["entry", "submission"]
objective = "bits"
constraints = [{ quantity = "time", bound = "budget_seconds" }]
every_split_at = 1
feedback = ["train", "model"]
hardware = "one-thread-cpu"
tuning.self = { studies = 2, budget_factor = 1.0 }
aggregation.workloads = "geometric_mean_ratio"

[workloads.text]
workload = "onnx"
metric = "error_rate"
goal = "minimise"
eval_every_seconds = 0.02
bounds = { budget_seconds = 3 }
provenance = "this test"

[workloads.text.definition]
inputs = { shape = [4], dtype = "int32" }
num_classes = 7
max_bytes = 20000

[workloads.text.definition.data]
file = "t.txt"
window = 4
train = 1000
twin = 200
order = "as_given"
licence = "CC0-1.0"
origin = "this test"
"""
# Counts pairs of characters, and says how often each follows each.
ENTRY = """
import numpy as np
from onnx import TensorProto, helper, numpy_helper

def model(game, table, node="Gather"):
    window, classes = game.task.inputs.shape[0], game.task.num_classes
    constants = {"last": np.array(window - 1), "table": np.round(table).astype(np.float32)}
    return helper.make_model(helper.make_graph(
        [helper.make_node("Gather", ["x", "last"], ["c"], axis=1),
         helper.make_node(node, ["table", "c"], ["logits"])], "model",
        [helper.make_tensor_value_info("x", TensorProto.INT32, ["batch", window])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", None])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    ), opset_imports=[helper.make_opsetid("", 20)])

def counted(game):
    counts = np.zeros((game.task.num_classes,) * 2)
    np.add.at(counts, (game.train["inputs"][:, -1], game.train["targets"]), 1)
    return counts
"""
HONEST = """
def play(game):
    assert not hasattr(game, "graph")
    game.submit(model(game, np.log(counted(game) + 0.01)))
"""


@pytest.fixture(scope="module")
def game(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("open") / "game"
    folder.mkdir()
    (folder / "t.txt").write_text(TEXT)
    sha256 = hashlib.sha256(TEXT.encode()).hexdigest()
    (folder / "competition.toml").write_text(f'{RULES}sha256 = "{sha256}"\n')
    return folder


@pytest.fixture
def played(mlgolf, game, tmp_path):
    """Plays an entry. Returns: its run."""

    def play(text: str, *, expect: int | None = 0) -> Path:
        entry, run = tmp_path / "mine.py", tmp_path / "run"
        entry.write_text(ENTRY + text)
        mlgolf(
            "run", entry, "--competition", game, "--seed", 1, "--studies", 1, "--out", run,
            expect=expect,
        )
        return run

    return play


def trial_of(run: Path) -> Path:
    return run / "mine" / "study_0" / "text_torch" / "trial_1"


def test_a_model_of_ones_own_is_scored_by_its_bits(mlgolf, played):
    run = played(HONEST)
    (trial,) = RunFolder(run).trials()
    assert trial.metrics["test/loss"][-1] < 1.0
    (entry,) = json.loads(mlgolf("score", run, "--json").stdout)["leaderboard"]
    assert entry["workloads"]["text"]["value"] == trial.metrics["train/bits"].min() < 2808


def test_a_trial_says_which_compressors_measured_its_bits(played):
    header = json.loads((trial_of(played(HONEST)) / "trial.json").read_text())
    assert {"zlib", "bzip2", "liblzma", "onnxruntime"} == header["machine"]["libraries"].keys()


def test_a_run_of_models_of_ones_own_is_replayed_bit_for_bit(mlgolf, played):
    done = mlgolf("replay", trial_of(played(HONEST)), expect=None)  # seconds are another matter
    assert "equal bit for bit" in done.stdout


def test_a_model_of_ones_own_is_shipped_as_it_was_brought(mlgolf, played, tmp_path):
    quick = ("--quantise", "none", "--runs", 60, "--seconds", 0.3, "--threads", 1)
    ask = ("deploy", trial_of(played(HONEST)), *quick, "-o", tmp_path / "ship", "--json")
    found = json.loads(mlgolf(*ask).stdout)
    assert found["exported"]["is_recorded"]
    assert found["parity"]["relative"] < 1e-6
    kept = load_file(tmp_path / "ship" / "model.safetensors")["model"].tobytes()
    assert (tmp_path / "ship" / "model.onnx").read_bytes() == kept


def test_what_is_refused_says_so_to_the_program_and_nothing_is_handed_over(played):
    run = played("""
def play(game):
    try:
        game.submit(model(game, counted(game), node="NonZero"))
    except Exception as error:
        raise RuntimeError(f"heard: {error}")
""", expect=1)  # fmt: skip
    assert "heard: " in read_verdict(trial_of(run)).reason
    assert "NonZero" in read_verdict(trial_of(run)).reason
    assert read_rows(trial_of(run)) == []


def test_a_file_that_slips_past_the_program_s_own_check_is_refused_by_the_referee(played):
    run = played("""
def play(game):
    game.submit(model(game, np.log(counted(game) + 0.01)))
    file = model(game, counted(game), node="NonZero").SerializeToString()
    game._submitted += 1
    game._link.submit({"model": np.frombuffer(file, np.uint8)}, game._submitted)
    import time
    while game.seconds_left > 0: pass
""", expect=None)  # fmt: skip
    verdict = read_verdict(trial_of(run))
    assert "NonZero" in verdict.reason
    assert verdict.broke_contract
    assert len(read_rows(trial_of(run))) == 1  # what was judged before stays


@pytest.mark.parametrize(
    "handed_over",
    ['model(game, counted(game), node="NonZero")', 'b"hello"', "bytes(20001)",
     "model(game, np.ones((7, 3)))"],
)  # fmt: skip
def test_a_model_that_is_not_allowed_is_refused_whoever_finds_it(mlgolf, played, handed_over):
    run = played(f"def play(game): game.submit({handed_over})", expect=None)
    (entry,) = json.loads(mlgolf("score", run, "--json", expect=None).stdout)["runs"]
    assert entry["verdict"] == "REFUSED"


def test_a_refused_model_takes_nothing_from_one_that_was_judged_before(mlgolf, played):
    run = played(HONEST + "    game.submit(b'hello')", expect=None)
    (entry,) = json.loads(mlgolf("score", run, "--json", expect=None).stdout)["runs"]
    assert entry["verdict"] == "QUALIFIED"


def test_an_entry_that_asks_an_open_game_for_its_graph_is_told_where_to_look(played):
    run = played("def play(game): game.graph.tensors", expect=1)
    assert "the model is yours; game.task says what" in read_verdict(trial_of(run)).reason


def test_a_submission_has_nothing_to_train_there(mlgolf, game, tmp_path):
    said = mlgolf("run", "nadamw", "--competition", game, "--out", tmp_path / "r", expect=2).stderr
    assert "nadamw: workload text has no network to train" in said


@pytest.mark.parametrize(
    ("found", "changed", "said"),
    [
        ('objective = "bits"', 'objective = "l2"', "l2 is not measured on models that contestants"),
        ("every_split_at = 1", "weight_noise = 1e-3", "rules.weight_noise: the weights of models"),
    ],
)
def test_rules_that_need_the_hosts_network_are_refused(
    mlgolf, game, tmp_path, found, changed, said
):
    (tmp_path / "mine.py").write_text(ENTRY + HONEST)
    file = game / "other.toml"
    file.write_text((game / "competition.toml").read_text().replace(found, changed))
    args = ("--competition", file, "--out", tmp_path / "run")
    assert said in mlgolf("run", tmp_path / "mine.py", *args, expect=2).stderr


def test_a_game_with_a_network_has_no_bits(mlgolf, tmp_path):
    folder = Path(__file__).with_name("tiny_game")
    file = tmp_path / "competition.toml"
    text = (folder / "competition.toml").read_text()
    for name in ("graph.toml", "data.toml", "points.csv"):
        (tmp_path / name).write_text((folder / name).read_text())
    file.write_text(text.replace('objective = "l2"', 'objective = "bits"'))
    args = ("--competition", file, "--out", tmp_path / "run")
    said = mlgolf("run", folder / "fits.py", *args, expect=2).stderr
    assert "workload points does not measure bits" in said

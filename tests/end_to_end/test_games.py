"""A game of a second, played by programs that drive their own training."""

import hashlib
import itertools
import json
import re
import shutil
from pathlib import Path

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_verdict

GAME = Path(__file__).with_name("tiny_game")
HONEST = GAME / "fits.py"
# The honest entry's model, and what a trick does with it.
TRICK = """
import time
import numpy as np
from fits import play as fit


class Seen:
    def __init__(self, game): self.__dict__.update(train=game.train, seed=game.seed)
    def submit(self, tensors): self.model = {n: np.array(v) for n, v in tensors.items()}


def play(game):
    seen = Seen(game)
    fit(seen)
    model = seen.model
"""


@pytest.fixture
def played(mlgolf, tmp_path):
    """Plays an entry that does `trick` with an honest model. Returns: its rows and its verdict."""

    def play(trick: str, *, name: str = "trick", expect: int | None = 0):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(HONEST, folder / "fits.py")
        (folder / "entry.py").write_text(TRICK + trick)
        mlgolf(
            "run", folder, "--competition", GAME, "--seed", 1, "--studies", 1,
            "--out", tmp_path / f"{name}_run", expect=expect,
        )
        trial = tmp_path / f"{name}_run" / name / "study_0" / "points_torch" / "trial_1"
        return read_rows(trial), read_verdict(trial)

    return play


def scored(mlgolf, run: Path) -> dict:
    (entry,) = json.loads(mlgolf("score", run, "--json").stdout)["leaderboard"]
    return entry["workloads"]["points"]


def load_written(file: Path, text: str):
    file.write_text(text)
    return load_competition(file)


@pytest.fixture(scope="module")
def run(mlgolf, tmp_path_factory) -> Path:
    """Both seeds of the honest entry."""
    out = tmp_path_factory.mktemp("game") / "run"
    mlgolf("run", HONEST, "--competition", GAME, "--seed", 1, "--out", out)
    return out


def test_an_entry_is_scored_by_its_best_model_that_keeps_the_bounds(mlgolf, run):
    trials = RunFolder(run).trials()
    best = [trial.values("l2", "error_rate").min() for trial in trials]
    cell = scored(mlgolf, run)
    assert cell["outcome"] == "scored"
    assert cell["value"] == pytest.approx(sum(best) / 2)


def test_a_board_says_how_far_an_entry_is_from_par(mlgolf, run):
    cell = scored(mlgolf, run)
    assert cell["to_par"] == pytest.approx(cell["value"] / 5.0)
    said = " ".join(mlgolf("score", run).stdout.split())
    assert f"{100 * (cell['to_par'] - 1):+.2f}%" in said


def test_a_run_that_is_refused_says_so_and_does_not_keep_the_next_one_from_playing(
    mlgolf, tmp_path
):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def play(game):\n    game.submit({'other': 1.0})\n")
    out = tmp_path / "run"
    done = mlgolf(
        "run", wrong, HONEST, "--competition", GAME, "--seed", 1, "--studies", 1, "--out", out,
        expect=2,
    )
    assert re.search(r"wrong/\S+  REFUSED .*other: found \(\), expected", done.stderr)
    assert re.search(r"fits/\S+  QUALIFIED  l2 7\.\d+ ", done.stderr)
    told = json.loads(mlgolf("score", out, "--json").stdout)
    assert [run["verdict"] for run in told["runs"]] == ["QUALIFIED", "REFUSED"]


def test_the_dual_of_a_game_is_played_and_scored(mlgolf, run, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    text = mlgolf("dual", game, "--runs", run).stdout
    bound = load_written(game / "dual.toml", text).workloads["points"].bounds["l2"]
    room = 1.1 * bound  # it is a median, which one of the two seeds does not reach again
    rules = load_written(game / "dual.toml", text.replace(f"l2 = {bound}", f"l2 = {room}"))
    assert rules.rules.objective == "train_loss"
    again = tmp_path / "again"
    mlgolf("run", HONEST, "--competition", game / "dual.toml", "--seed", 1, "--out", again)
    lowest = [
        min(loss for loss, norm in zip(*values, strict=True) if norm <= room)
        for values in (
            [trial.values(name, "error_rate") for name in ("train_loss", "l2")]
            for trial in RunFolder(again).trials()
        )
    ]
    assert scored(mlgolf, again)["value"] == pytest.approx(sum(lowest) / 2)


def test_an_entry_is_replayed_bit_for_bit(mlgolf, run):
    trial = run / "fits" / "study_0" / "points_torch" / "trial_1"
    assert "equal bit for bit" in mlgolf("replay", trial).stdout


def test_a_game_is_reported_with_its_rules(mlgolf, run, tmp_path):
    mlgolf("report", run, "-o", tmp_path / "game.html")
    page = (tmp_path / "game.html").read_text()
    assert "L2 norm" in page
    assert "largest training loss of an example" in page


def test_the_twin_set_is_measured_and_no_entry_is_told(run, played):
    assert "test/error_rate" in read_rows(run / "fits/study_0/points_torch/trial_1")[0]["metrics"]
    _, verdict = played("    raise ValueError(sorted(game.submit(model)))\n")
    assert "model/l2" in verdict.reason
    assert "test/" not in verdict.reason


def test_an_ordinary_submission_plays_the_same_game(mlgolf, tmp_path):
    run = tmp_path / "run"
    mlgolf("run", "nadamw", "--competition", GAME, "--seed", 1, "--studies", 1, "--out", run)
    (trial,) = RunFolder(run).trials()
    assert len(trial.steps) > 3
    assert set(trial.metrics) >= {"train/loss_max", "model/l2", "test/error_rate"}


def test_an_entry_that_never_submits_has_no_row_and_is_not_scored(mlgolf, played, tmp_path):
    rows, verdict = played("    pass\n")
    assert rows == []
    assert verdict.reason == "play() returned; 0 models handed over"
    assert scored(mlgolf, tmp_path / "trick_run")["outcome"] == "target_not_reached"


def test_what_is_not_finite_keeps_no_bound_and_is_named(mlgolf, played, tmp_path):
    _, verdict = played(
        "    game.submit({n: np.full_like(v, np.nan) for n, v in model.items()})\n"
    )
    assert verdict.reason.endswith(
        "model 1 has NaN or infinity: linear.bias, in 3 of 3 numbers"
    )
    assert scored(mlgolf, tmp_path / "trick_run")["outcome"] == "target_not_reached"


def test_a_crash_keeps_what_was_judged_before(mlgolf, played, tmp_path):
    rows, verdict = played("    game.submit(model)\n    raise KeyError('later')\n")
    assert verdict.status == "CRASHED"
    assert len(rows) == 1
    assert scored(mlgolf, tmp_path / "trick_run")["outcome"] == "scored"


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ("{'linear.weight': model['linear.weight']}", "linear.bias: found nothing"),
        ("{**model, 'extra': 1.0}", "extra: found ().*no tensor of that name"),
        ("{**model, 'linear.bias': np.zeros(4)}", r"linear.bias: found \(4,\), expected \(3,\)"),
    ],
)
def test_other_tensors_than_the_graphs_are_refused_by_name(played, tensors, said):
    _, verdict = played(f"    game.submit({tensors})\n", expect=None)
    assert re.search(said, verdict.reason)


def test_a_thousand_submissions_are_judged_as_often_as_the_rules_say(played):
    rows, verdict = played(
        "    for _ in range(300):\n        game.submit(model)\n        time.sleep(0.0005)\n"
        "    model['linear.bias'] *= 1.0001\n    game.submit(model)\n"
    )
    judged = f"{len(rows)} judged: others came too soon after one"
    assert verdict.reason == f"play() returned; 301 models handed over, {judged}"
    assert rows[-1]["step"] == 301  # the last one waits, and is judged at the end
    apart = [b["seconds"] - a["seconds"] for a, b in itertools.pairwise(rows[:-1])]
    assert min(apart, default=1.0) >= 0.05


def test_what_comes_after_the_deadline_does_not_count(mlgolf, played, tmp_path):
    rows, verdict = played(
        "    end = time.process_time() + 20\n"
        "    while time.process_time() < end:\n        pass\n    game.submit(model)\n"
    )
    assert verdict.status == "OUT_OF_TIME"
    assert rows == []


def test_weights_that_fit_to_the_last_digit_alone_do_not_keep_a_bound(played):
    """What is added to the weights of all classes changes no softmax, unless they are a bit off."""
    honest, cancelling = (
        played(f"    game.submit({{**model, 'linear.weight': {weight}}})\n", name=name)[0]
        for name, weight in (
            ("honest", "model['linear.weight']"), ("cancelling", "model['linear.weight'] + 3e5"),
        )
    )
    assert honest[0]["metrics"]["train/loss_max"] < 0.7
    assert cancelling[0]["metrics"]["train/loss_max"] > 1.0


def test_an_entry_is_refused_where_only_submissions_are_taken(mlgolf, tmp_path):
    done = mlgolf("run", HONEST, "--competition", "mini", "--out", tmp_path / "run", expect=2)
    assert "fits.py is an entry, with play(game); mini takes AlgoPerf's functions" in done.stderr


def test_rules_that_no_model_fulfils_are_refused_before_a_run(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", ("train_loss = 0.1", "train_loss = -0.1"))
    done = mlgolf("run", HONEST, "--competition", game, "--out", tmp_path / "r", expect=2)
    assert "no model fulfils its rules" in done.stderr
    assert "competition.toml:33: workloads.points.bounds.train_loss: found -0.1" in done.stderr
    assert not (tmp_path / "r").exists()


def test_data_that_are_not_what_the_host_hashed_are_refused(mlgolf, tmp_path, monkeypatch):
    game = shutil.copytree(GAME, tmp_path / "game")
    (game / "points.csv").write_text((game / "points.csv").read_text().replace("1", "2", 1))
    (game / "data.toml").write_text((game / "data.toml").read_text() + "split_seed = 7\n")
    done = mlgolf("run", game / "fits.py", "--competition", game, "--out", tmp_path / "r", expect=2)
    assert "points.csv: its SHA-256 is" in done.stderr
    assert not (tmp_path / "r").exists()


def test_data_that_changed_after_a_run_are_refused_by_the_next(mlgolf, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    args = ("run", game / "fits.py", "--competition", game, "--studies", 1, "--out")
    mlgolf(*args, tmp_path / "one")
    (game / "points.csv").write_text((game / "points.csv").read_text().replace("1", "2", 1))
    assert "points.csv: its SHA-256 is" in mlgolf(*args, tmp_path / "two", expect=2).stderr


def test_a_late_model_takes_the_place_of_none_that_came_in_time(mlgolf, tmp_path):
    """The one in time still waits to be judged when the late one is handed over."""
    game = changed_game(tmp_path / "game", ("eval_every_seconds = 0.05", "eval_every_seconds = 60"))
    entry = tmp_path / "late"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    (entry / "entry.py").write_text(TRICK + (
        "    game.submit({n: 1.5 * v for n, v in model.items()})\n"
        "    game.submit(model)\n"
        "    end = time.process_time() + 30\n"
        "    while time.process_time() < end:\n"
        "        game.submit({n: 9 * v for n, v in model.items()})\n"
    ))
    run = tmp_path / "run"
    args = ("--competition", game, "--seed", 1, "--studies", 1, "--out", run)
    mlgolf("run", entry, *args, expect=None)
    rows = read_rows(run / "late" / "study_0" / "points_torch" / "trial_1")
    assert rows[-1]["metrics"]["model/l2"] > rows[0]["metrics"]["model/l2"]
    assert all(row["seconds"] <= 3 * 1.5 for row in rows)
    (trial,) = RunFolder(run).trials()
    assert trial.status == "OUT_OF_TIME"
    assert json.loads(mlgolf("score", run, "--json").stdout)["runs"][0]["verdict"] == "QUALIFIED"


TOLD = """
import numpy as np
from fits import play as fit

class One:
    def __init__(self, game): self.train, self.seed, self.sent = game.train, game.seed, {}
    def submit(self, tensors): self.sent = {n: np.array(v) for n, v in tensors.items()}

def play(game):
    one, scale = One(game), 1.0
    fit(one)
    for _ in range(6):
        for _ in range(3):
            told = game.submit({n: scale * v for n, v in one.sent.items()})
            scale += 0.01 if told else 0.1  # it does otherwise where it is told something
        fit(one)
"""


def test_an_entry_that_acts_on_what_it_is_told_is_replayed_bit_for_bit(mlgolf, tmp_path):
    entry = tmp_path / "told"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    (entry / "entry.py").write_text(TOLD)
    run = tmp_path / "run"
    mlgolf("run", entry, "--competition", GAME, "--seed", 1, "--studies", 1, "--out", run)
    trial = run / "told" / "study_0" / "points_torch" / "trial_1"
    assert any(row.get("waited") for row in read_rows(trial))
    assert "equal bit for bit" in mlgolf("replay", trial, expect=None).stdout


def test_a_contestants_nan_is_no_fault_of_a_hosts_measure(mlgolf, tmp_path):
    game = changed_game(
        tmp_path / "game",
        ('objective = "l2"', 'objective = "regulariser"\nregulariser = "regulariser.py"'),
        ("par = {", "# par = {"),
    )
    (game / "regulariser.py").write_text(
        "import numpy as np\ndef regulariser(tensors):\n"
        "    return float(np.linalg.svd(tensors['linear.weight'])[1].sum())\n"
    )
    entry = tmp_path / "nan.py"
    entry.write_text(
        "import numpy as np\ndef play(game):\n"
        "    game.submit({n: np.full(s, np.nan) for n, s in game.graph.tensors.items()})\n"
    )
    run = tmp_path / "run"
    mlgolf("run", entry, HONEST, "--competition", game, "--studies", 1, "--out", run)
    verdicts = {r["submission"]: r["verdict"]
                for r in json.loads(mlgolf("score", run, "--json").stdout)["runs"]}
    assert verdicts == {"nan": "NOT_QUALIFIED", "fits": "QUALIFIED"}


def test_all_that_is_wrong_with_a_graph_is_said_at_once(mlgolf, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    graph = (game / "graph.toml").read_text()
    (game / "graph.toml").write_text(graph.replace("units = 3", "units = 0\ncolour = 1"))
    done = mlgolf("run", game / "fits.py", "--competition", game, "--out", tmp_path / "r", expect=2)
    assert "layers.#1.units" in done.stderr
    assert "layers.#1.colour" in done.stderr


def changed_game(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The tiny game with other rules."""
    shutil.copytree(GAME, folder)
    text = (folder / "competition.toml").read_text()
    for found, changed in replacements:
        assert found in text
        text = text.replace(found, changed)
    (folder / "competition.toml").write_text(text)
    return folder


def rows_of(mlgolf, game: Path, run: Path) -> list[dict]:
    mlgolf("run", HONEST, "--competition", game, "--seed", 1, "--studies", 1, "--out", run)
    return read_rows(run / "fits" / "study_0" / "points_torch" / "trial_1")


def test_a_host_may_write_the_measure_in_python(mlgolf, tmp_path):
    game = changed_game(
        tmp_path / "game",
        ('objective = "l2"', 'objective = "regulariser"\nregulariser = "regulariser.py"'),
        ("par = {", "# par = {"),
    )
    (game / "regulariser.py").write_text(
        "def regulariser(tensors):\n    return float(abs(tensors['linear.bias']).sum())\n"
    )
    rows = rows_of(mlgolf, game, tmp_path / "run")
    assert 0 < rows[0]["metrics"]["model/regulariser"] < 10
    # The text is part of the rules, and hashed with them.
    shown = mlgolf("score", tmp_path / "run", "--json").stdout
    assert json.loads(shown)["quantity"] == "regulariser"
    assert "linear.bias" in (tmp_path / "run" / "run.json").read_text()


def test_a_hosts_measure_that_fails_says_where(mlgolf, tmp_path):
    game = changed_game(
        tmp_path / "game",
        ('objective = "l2"', 'objective = "regulariser"\nregulariser = "regulariser.py"'),
    )
    text = "def regulariser(tensors):\n    return tensors['no'].sum()"
    (game / "regulariser.py").write_text(text)
    args = ("run", HONEST, "--competition", game, "--out", tmp_path / "run")
    said = mlgolf(*args, expect=2).stderr
    assert "KeyError: 'no' (regulariser.py:2)" in said


def test_rules_may_score_weights_alone_and_record_other_measures(mlgolf, tmp_path):
    plain = rows_of(mlgolf, GAME, tmp_path / "plain")
    game = changed_game(
        tmp_path / "game",
        ("every_split_at = 1", 'every_split_at = 1\nscored = "weights"'),
        ("feedback =", 'recorded = ["l1", "params"]\nfeedback ='),
    )
    rows = rows_of(mlgolf, game, tmp_path / "run")
    assert rows[0]["metrics"]["model/params"] == 9  # of 12: the biases are none
    assert rows[0]["metrics"]["model/l1"] > 0
    assert rows[0]["metrics"]["model/l2"] < plain[0]["metrics"]["model/l2"]


def test_a_blind_game_is_played_on_a_draw_of_its_own_and_replayed_on_it(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game")
    data = (game / "data.toml").read_text()
    (game / "data.toml").write_text(f"blind = true\n{data}")
    losses = {}
    for name in ("one", "two"):
        mlgolf("run", HONEST, "--competition", game, "--studies", 1, "--out", tmp_path / name)
        trial = tmp_path / name / "fits" / "study_0" / "points_torch" / "trial_1"
        losses[name] = read_rows(trial)[0]["metrics"]["train/loss"]
    assert losses["one"] != losses["two"]
    assert (tmp_path / "one" / "held_out.json").exists()  # the draw, once the run has ended
    trial = tmp_path / "one" / "fits" / "study_0" / "points_torch" / "trial_1"
    said = mlgolf("replay", trial, expect=2).stderr
    assert "give the game's folder as --competition" in said
    again = mlgolf("replay", trial, "--competition", game, expect=None).stdout
    assert "equal bit for bit" in again


def test_a_game_that_has_closed_is_played_unofficially_and_says_so(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", ('size = "game"', 'size = "game"\ncloses = 2024-01-31'))
    played = mlgolf("run", HONEST, "--competition", game, "--studies", 1, "--out", tmp_path / "run")
    said = "unofficial: played after the competition closed on 2024-01-31"
    assert said in played.stderr
    assert said in mlgolf("score", tmp_path / "run").stdout


CLASSES = 13  # whose names are never drawn alike twice
COUNTS = f"""
import numpy as np

def play(game):
    counts = np.bincount(game.train["targets"], minlength={CLASSES})
    game.log(**{{f"of_{{number}}": count for number, count in enumerate(counts)}})
    game.submit({{name: np.ones(shape) for name, shape in game.graph.tensors.items()}})
"""


def test_a_player_sees_the_classes_under_names_of_its_run_and_a_replay_sees_the_same(
    mlgolf, tmp_path
):
    game = changed_game(tmp_path / "game")
    rows = [f"{k},{n},1,{k}\n" for k in range(CLASSES) for n in range(k + 1)]  # k + 1 of class k
    with_data(
        game, "points.csv", "a,b,c,kind\n" + "".join(rows), blind=True, permute_labels=True,
        targets="kind", train=len(rows),
    )
    graph = (game / "graph.toml").read_text()
    (game / "graph.toml").write_text(graph.replace("units = 3", f"units = {CLASSES}"))
    entry = tmp_path / "counts.py"
    entry.write_text(COUNTS)
    found = []
    for name in ("one", "two"):
        mlgolf("run", entry, "--competition", game, "--studies", 1, "--out", tmp_path / name)
        trial = tmp_path / name / "counts" / "study_0" / "points_torch" / "trial_1"
        logged = (trial / "log.txt").read_text()
        found.append([int(n) for n in re.findall(r"of_\d+\D+(\d+)", logged)])
    assert sorted(found[0]) == sorted(found[1]) == list(range(1, CLASSES + 1))
    assert found[0] != found[1]
    again = mlgolf("replay", trial, "--competition", game, expect=None).stdout
    assert "equal bit for bit" in again


GENERATE = """
def generate(rng):
    inputs = rng.normal(size=(99, 3))
    return {"inputs": inputs, "targets": 1 + (inputs[:, 0] > 0)}
"""


def test_a_game_whose_examples_a_program_makes_is_played_on_other_ones_in_each_run_and_replayed(
    mlgolf, tmp_path
):
    game = changed_game(tmp_path / "game")
    with_data(game, "generate.py", GENERATE, blind=True, train=50, twin=49)
    hashes = set()
    for name in ("one", "two"):
        mlgolf("run", HONEST, "--competition", game, "--studies", 1, "--out", tmp_path / name)
        trial = tmp_path / name / "fits" / "study_0" / "points_torch" / "trial_1"
        hashes.add(json.loads((trial / "trial.json").read_text())["data_sha256"])
    assert len(hashes) == 2
    again = mlgolf("replay", trial, "--competition", game, expect=None).stdout
    assert "equal bit for bit" in again


def with_data(game: Path, file: str, text: str, **keys) -> None:
    """Other examples for a game."""
    (game / file).write_text(text)
    keys |= {"file": file, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    keys |= {"licence": "Apache-2.0", "origin": "this test"}
    (game / "data.toml").write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    )


FIXED = """
import numpy as np

def play(game):
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(size=shape) for name, shape in game.graph.tensors.items()}
    HONESTLY
    game.submit(tensors)
"""


@pytest.mark.parametrize("qualifies", [False, True])
def test_torch_and_jax_find_the_same_loss_and_verdict_of_the_same_tensors(
    mlgolf, tmp_path, qualifies
):
    """Tensors at random, and those of the honest entry."""
    honest = "from fits import play as fit; fit(game); return"
    entry = tmp_path / "entry"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    (entry / "entry.py").write_text(FIXED.replace("HONESTLY", honest if qualifies else "pass"))
    losses, verdicts = [], []
    for framework in ("torch", "jax"):
        out = tmp_path / framework
        args = ("--framework", framework, "--seed", 1, "--studies", 1, "--out", out)
        mlgolf("run", entry, "--competition", GAME, *args)
        (trial,) = RunFolder(out).trials()
        losses.append((trial.metrics["train/loss"][0], trial.metrics["train/loss_max"][0]))
        board = json.loads(mlgolf("score", out, "--json").stdout)
        (found,) = board["runs"]
        verdicts.append(found["verdict"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert verdicts == ["QUALIFIED" if qualifies else "NOT_QUALIFIED"] * 2


def test_noise_on_weights_is_drawn_by_the_secret_of_the_run_and_replayed(mlgolf, tmp_path):
    """The same model has other losses in another run: no entry can look for one that is spared."""
    rows = {}
    for name, more in {"secret": (), "practice": ("--practice",)}.items():
        args = ("--seed", 1, "--studies", 1, "--out", tmp_path / name, *more)
        mlgolf("run", HONEST, "--competition", GAME, *args)
        rows[name] = read_rows(tmp_path / name / "fits/study_0/points_torch/trial_1")[0]
    assert rows["secret"]["model_sha256"] == rows["practice"]["model_sha256"]
    losses = {name: row["metrics"]["train/loss_max"] for name, row in rows.items()}
    assert losses["secret"] != losses["practice"]
    trial = tmp_path / "secret" / "fits/study_0/points_torch/trial_1"
    assert "equal bit for bit" in mlgolf("replay", trial, expect=None).stdout


def test_the_list_of_games_has_the_best_value_of_runs(mlgolf, run):
    """Whose rules are those of a game that ships: the tiny one does not."""
    told = json.loads(mlgolf("game", "list", run, "--json").stdout)["games"]
    assert {row["name"] for row in told} >= {"digits-l2"}
    assert all(row["best"] is None for row in told)


def test_a_board_of_cells_says_who_holds_each(mlgolf, run):
    told = json.loads(mlgolf("game", "show", GAME, run, "--board", "--json").stdout)["cells"]
    (cell,) = told
    assert cell["submission"] == "fits"
    assert cell["best"] == pytest.approx(scored(mlgolf, run)["value"])
    said = " ".join(mlgolf("game", "show", GAME, run.parent, "--board").stdout.split())
    assert "by fits" in said
    assert "declares" not in said
    assert "Tuning outside the budget is unbounded" in said


def test_a_game_is_explained_with_its_numbers_and_units(mlgolf):
    said = mlgolf("game", "show", GAME).stdout
    assert "training loss at most 0.1 nats" in said
    assert "training time at most 3 s" in said
    assert "12 weights in 2 tensors: linear.weight 3 x 3, linear.bias 3" in said
    assert "50 training examples" in said
    assert "Par, the best that is known: 5 (a round number for tests)" in said
    assert "each weight is off by 0.1%" in said
    assert "It is not told what is measured of the twin set" in said
    assert "Time class: SS" in said


def test_a_game_is_explained_to_programs_in_the_same_words(mlgolf):
    told = json.loads(mlgolf("game", "show", GAME, "--json").stdout)["game"]
    assert "\n\n".join(told["words"]) == mlgolf("game", "show", GAME).stdout.rstrip("\n")
    assert told["competition"]["name"] == "tiny-game"


def test_what_an_entry_declares_is_recorded_and_told_on_the_board_of_cells(mlgolf, tmp_path):
    entry = tmp_path / "fits"
    entry.mkdir()
    shutil.copy(HONEST, entry / "entry.py")
    (entry / "declared.toml").write_text('tuned = ["step size"]\nruns = 12\n')
    run = tmp_path / "run"
    mlgolf("run", entry, "--competition", GAME, "--seed", 1, "--out", run)
    said = " ".join(mlgolf("game", "show", GAME, run, "--board").stdout.split())
    assert "fits declares: tuned on these data in 12 runs: step size." in said
    notes = json.loads(mlgolf("score", run, "--json").stdout)["notes"]
    assert "fits declares: tuned on these data in 12 runs: step size" in notes


def test_an_entry_whose_files_are_larger_than_the_rules_allow_is_refused(mlgolf, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    rules = (game / "competition.toml").read_text()
    (game / "competition.toml").write_text(rules.replace("[rules]", "[rules]\ncode_bytes = 100"))
    done = mlgolf("run", HONEST, "--competition", game, "--out", tmp_path / "run", expect=2)
    size = HONEST.stat().st_size
    assert f"fits: its files have {size:,} bytes, tiny-game allows 100" in done.stderr
    assert not (tmp_path / "run").exists()
    assert "at most 100 bytes, stored weights too" in mlgolf("game", "show", game).stdout


@pytest.mark.parametrize(
    ("pretraining", "said"),
    [("forbidden", "is not to be brought along"), ("declared", "counts, too")],
)
def test_what_was_learned_before_counts_by_size_where_it_may_be_brought_along(
    mlgolf, tmp_path, pretraining, said
):
    game = changed_game(
        tmp_path / "game", ("[rules]", f'[rules]\ncode_bytes = 100\npretraining = "{pretraining}"')
    )
    done = mlgolf("run", HONEST, "--competition", game, "--out", tmp_path / "run", expect=2)
    assert f"what was learned before {said}. Remove" in done.stderr


def test_a_game_with_noise_is_practice_where_the_noise_can_be_known(mlgolf, tmp_path):
    practice, own = tmp_path / "practice", tmp_path / "own"
    mlgolf("run", HONEST, "--competition", GAME, "--practice", "--studies", 1, "--out", practice)
    mlgolf("run", HONEST, "--competition", GAME, "--studies", 1, "--out", own)
    boards = [json.loads(mlgolf("score", run, "--json").stdout) for run in (practice, own)]
    assert [board["practice"] for board in boards] == [True, False]


@pytest.mark.parametrize(
    ("submitted", "code", "said"),
    [("    game.submit(model)\n", 0, "next: mlgolf score"), ("", 1, "no trial trained to an end")],
)
def test_a_run_that_crashed_has_a_result_if_a_model_was_judged_before(
    mlgolf, tmp_path, submitted, code, said
):
    entry = tmp_path / "entry"
    entry.mkdir()
    shutil.copy(HONEST, entry)
    (entry / "entry.py").write_text(f"{TRICK}{submitted}    raise ValueError('later')")
    ended = mlgolf(
        "run", entry, "--competition", GAME, "--studies", 1, "--out", tmp_path / "run",
        expect=code,
    )
    assert said in ended.stderr

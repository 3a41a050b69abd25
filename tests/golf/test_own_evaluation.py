"""A host's own evaluation of a run: what it is given, what it may answer, what it cannot do."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from small_games import checked, said

from mlgolf.api.own_evaluation import evaluate
from mlgolf.core.errors import RulesError
from mlgolf.golf.own_evaluation import checked_values, in_words, public_files
from mlgolf.referee.levels import bubblewrap_problem
from mlgolf.results.run_folder import RunFolder

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_game"
LEVELS = ["process", "bubblewrap"]


@pytest.fixture(scope="module")
def game(tmp_path_factory) -> Path:
    """The tiny game, with models kept."""
    folder = tmp_path_factory.mktemp("own") / "game"
    shutil.copytree(TINY, folder)
    rules = (folder / "competition.toml").read_text()
    (folder / "competition.toml").write_text(
        rules.replace("every_split_at = 1", "every_split_at = 1\nkeep_model = true")
    )
    return folder


@pytest.fixture(scope="module")
def run(mlgolf, game) -> Path:
    out = game.parent / "run"
    mlgolf("run", TINY / "fits.py", "--competition", game, "--seed", 1, "--out", out)
    return out


@pytest.fixture(params=LEVELS)
def level(request):
    if request.param == "bubblewrap" and (problem := bubblewrap_problem()):
        pytest.skip(problem)
    return request.param


@pytest.fixture
def ask(run, game, tmp_path):
    """What a script says of the run."""

    def asked(script: str, level: str = "process", **options):
        folder = shutil.copytree(game, tmp_path / "game", dirs_exist_ok=True)
        (folder / "evaluation.py").write_text(script)
        (found,) = evaluate(run, competition=folder, sandbox=level, **options)
        return found

    return asked


def returning(value: str) -> str:
    return f"def evaluate(run):\n    return {value}\n"


# --- what it is given ---


def test_it_sees_what_the_run_wrote_down(ask, run, level):
    found = ask(
        "def evaluate(run):\n"
        "    first = run.trials[0]\n"
        "    return {'name': run.competition, 'trials': len(run.trials), 'seed': first.seed,\n"
        "            'verdict': first.verdict, 'value': first.value,\n"
        "            'rows': len(first.evaluations),\n"
        "            'l2': first.evaluations[-1]['metrics']['model/l2'],\n"
        "            'shape': str(first.model['linear.weight'].shape)}\n",
        level,
    )
    trial = RunFolder(run).trials()[0]
    assert found.problem == ""
    assert found.values["seed"] == trial.seed
    assert found.values["rows"] == len(trial.steps)
    assert found.values["l2"] == trial.metrics["model/l2"][-1]
    assert found.values["value"] == trial.metrics["model/l2"].min()
    assert found.values["verdict"] == "QUALIFIED"
    assert (found.values["name"], found.values["shape"]) == ("tiny-game", "(3, 3)")


def test_it_reads_the_public_files_of_the_competition(ask):
    found = ask(
        "def evaluate(run):\n"
        "    lines = (run.files / 'points.csv').read_text().splitlines()\n"
        "    return {'lines': len(lines)}\n"
    )
    assert found.values == {"lines": len((TINY / "points.csv").read_text().splitlines())}


@pytest.mark.parametrize("written", ["points.csv", "./points.csv", "pool/points.csv",
                                     "pool//../pool/points.csv"])
def test_what_a_blind_game_draws_from_is_not_given(game, tmp_path, written):
    folder = shutil.copytree(game, tmp_path / "blind")
    (folder / "pool").mkdir()
    shutil.move(folder / "points.csv", folder / written)
    data = folder / "data.toml"
    text = data.read_text().replace('file = "points.csv"', f'file = "{written}"')
    data.write_text(f"blind = true\n{text}")
    public_files(folder, tmp_path / "given")
    given = {file.name for file in (tmp_path / "given").rglob("*") if file.is_file()}
    assert "graph.toml" in given
    assert "points.csv" not in given


def test_no_link_of_a_folder_is_followed(game, tmp_path):
    folder = shutil.copytree(game, tmp_path / "linked")
    (tmp_path / "key.pem").write_text("secret")
    (folder / "notes.txt").symlink_to(tmp_path / "key.pem")
    public_files(folder, tmp_path / "given")
    assert not (tmp_path / "given" / "notes.txt").exists()


def test_numbers_of_numpy_are_numbers(ask):
    found = ask("import numpy as np\n" + returning("{'a': np.float32(0.5), 'b': np.int64(3)}"))
    assert found.values == {"a": 0.5, "b": 3}


def test_what_it_prints_is_kept_for_its_author(ask):
    found = ask("def evaluate(run):\n    print('so far')\n    return {'a': 1}\n")
    assert (found.printed, found.values) == ("so far\n", {"a": 1})


def test_however_much_it_prints_a_part_is_kept(ask):
    found = ask("def evaluate(run):\n    print('x' * 10**7)\n    return {'a': 1}\n")
    assert (len(found.printed), found.values) == (10_000, {"a": 1})


# --- how it fails ---


@pytest.mark.parametrize(("script", "problem"), [
    ("def evaluate(run):\n    return {'a': 1 / 0}\n",
     "evaluation.py, line 2: ZeroDivisionError: division by zero"),
    ("def evaluate(run)\n", "evaluation.py, line 1: SyntaxError"),
    ("x = 1\n", "evaluation.py: it has no function evaluate(run)"),
    ("import sys\ndef evaluate(run):\n    sys.exit(3)\n", "evaluation.py, line 3: SystemExit: 3"),
    ("import os\ndef evaluate(run):\n    os._exit(3)\n",
     "evaluation.py: its process ended with exit code 3 before it returned"),
    ("import os\ndef evaluate(run):\n    os.kill(os.getpid(), 9)\n",
     "its process ended by signal 9"),
    (returning("3"), "evaluate(run) returned int, where a dict belongs"),
    (returning("{'a': float('nan')}"), "a is float 'nan'; evaluate(run) returns a dict"),
    (returning("{'a': run}"), "returned what is neither number nor text: a is a SimpleNamespace"),
    (returning("{'a': 10**5000}"), "returned what is neither number nor text: Exceeds the limit"),
    (returning("{'a': 'x' * 10**6}"), "it answered with more than 65.5 kB"),
    ("import os, sys\nos.write(int(sys.argv[1]), b'cheers\\n')\n" + returning("{}"),
     "it wrote something of its own where its answer belongs"),
])  # fmt: skip
def test_a_script_that_fails_is_told_and_raises_nothing(ask, script, problem):
    found = ask(script)
    assert found.values == {}
    assert problem in found.problem


def test_one_that_hangs_is_ended(ask, level):
    found = ask("def evaluate(run):\n    while True:\n        pass\n", level, seconds=2.0)
    assert found.problem == "evaluation.py: it took more than 2 s"


def test_one_that_prints_without_end_is_ended(ask):
    found = ask("def evaluate(run):\n    while True:\n        print('x' * 1000)\n", seconds=2.0)
    assert "it took more than 2 s" in found.problem or "BrokenPipeError" in found.problem
    assert len(found.printed) == 10_000


def test_one_that_takes_more_memory_than_it_may_is_told(ask, level):
    found = ask("def evaluate(run):\n    bytearray(20 << 30)\n    return {}\n", level)
    assert "MemoryError" in found.problem or "more memory than" in found.problem


# --- what it cannot do ---


def test_it_reaches_no_network(ask, level):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = ask(
            "import socket\n"
            "def evaluate(run):\n"
            f"    socket.create_connection(('127.0.0.1', {port}), timeout=5)\n"
            "    return {'reached': 1}\n",
            level,
        )
    assert found.values == {}
    assert "Error" in found.problem


def test_it_reads_no_key_of_the_ledger_and_no_other_file_of_the_machine(ask, run, level, tmp_path):
    key = tmp_path / "ledger" / "key.pem"
    key.parent.mkdir()
    key.write_text("secret")
    found = ask(
        "import os\n"
        "def evaluate(run):\n"
        f"    paths = {[str(key), str(run / 'run.json'), str(Path.home() / '.bashrc')]}\n"
        "    return {'seen': sum(os.path.exists(path) for path in paths)}\n",
        level,
    )
    assert found.values == {"seen": 0}


def test_it_finds_nothing_of_our_environment(ask, level, monkeypatch):
    monkeypatch.setenv("MLGOLF_SECRET", "hush")
    found = ask(
        "import os\n" + returning("{'names': ' '.join(k for k in os.environ if 'MLGOLF' in k)}"),
        level,
    )
    assert found.values == {"names": ""}


def test_it_writes_nothing_that_stays(ask, run, level):
    before = {str(path) for path in run.rglob("*")}
    found = ask(
        "def evaluate(run):\n"
        "    (run.files / 'new').write_text('x')\n"
        "    return {}\n",
        level,
    )
    assert "Read-only file system" in found.problem or "Permission denied" in found.problem
    assert {str(path) for path in run.rglob("*")} == before


# --- the rules around it ---


def test_a_run_of_other_rules_is_refused(run, game, tmp_path):
    other = shutil.copytree(game, tmp_path / "other")
    rules = (other / "competition.toml").read_text()
    (other / "competition.toml").write_text(rules.replace("train_loss = 0.1,", "train_loss = 0.2,"))
    (other / "evaluation.py").write_text(returning("{}"))
    with pytest.raises(RulesError, match=r"bounds\.train_loss"):
        evaluate(run, competition=other, sandbox="process")


def test_a_folder_without_a_script_is_refused_with_what_to_write(run, game):
    with pytest.raises(RulesError, match=r"has no evaluation\.py.*evaluate\(run\) returns a dict"):
        evaluate(run, competition=game, sandbox="process")


def test_the_command_prints_what_the_function_returns(mlgolf, run, game, tmp_path):
    folder = shutil.copytree(game, tmp_path / "game")
    (folder / "evaluation.py").write_text(returning("{'trials': len(run.trials), 'kind': 'new'}"))
    command = "game", "evaluate", run, "--competition", folder, "--sandbox", "process"
    told = json.loads(mlgolf(*command, "--json").stdout)
    assert told["evaluations"][0]["values"] == {"trials": 2, "kind": "new"}
    shown = mlgolf(*command).stdout
    assert "fits: trials 2\n" in shown
    assert "counts for nothing" in shown


def test_the_script_is_no_part_of_the_rules(game, tmp_path):
    from mlgolf.core.competition import load_competition

    folder = shutil.copytree(game, tmp_path / "game")
    before = load_competition(folder).fingerprint()
    (folder / "evaluation.py").write_text(returning("{}"))
    assert load_competition(folder).fingerprint() == before


@pytest.mark.parametrize(("value", "shown"), [
    (None, "–"), (3, "3"), (12345, "12,345"), (0.123456, "0.1235"), ("new", "new"),
])  # fmt: skip
def test_a_value_is_shown_in_words(value, shown):
    assert in_words(value) == shown


@pytest.mark.parametrize(("value", "problem"), [
    ([1], "found a list"),
    ({"a": float("nan")}, "a is float 'nan'"),
    ({"a": float("-inf")}, "a is float '-inf'"),
    ({"a": 10**400}, "a is int '1000000"),
    ({"a": True}, "a is bool 'True'"),
    ({"a": None}, "a is NoneType 'None'"),
    ({"a": [1]}, "a is list"),
    ({"a": "x" * 81}, "a is str 'xxxxx"),
    ({"a": "one\ntwo"}, "a is str 'one"),
    ({"a": "\0"}, "a is str"),
    ({"": 1}, "found the name ''"),
    ({"x" * 41: 1}, "found the name 'xxxx"),
    ({" a": 1}, "found the name ' a'"),
    ({1: 1}, "found the name '1'"),
    ({str(n): n for n in range(21)}, "found 21 names"),
])  # fmt: skip
def test_other_values_than_numbers_and_short_texts_are_refused(value, problem):
    with pytest.raises(RulesError) as refused:
        checked_values(value)
    assert str(refused.value).startswith(problem)
    assert "at most 20 names" in str(refused.value)


def test_a_whole_number_that_other_readers_would_round_becomes_a_float():
    (value,) = checked_values({"a": 2**60}).values()
    assert isinstance(value, float)


# --- the check of a game ---


def scripted(tmp_path, script):
    from small_games import check_game, game

    folder = game(tmp_path)
    (folder / "evaluation.py").write_text(script)
    return check_game(str(folder), tmp_path / "data", play=False)


def test_the_check_reads_the_script_without_running_it(tmp_path):
    found = scripted(tmp_path, f"open({str(tmp_path / 'run')!r}, 'w')\n{returning('{}')}")
    assert not found.findings
    assert any(line.startswith("evaluation.py: it has evaluate(run)") for line in found.passed)
    assert not (tmp_path / "run").exists()


def test_a_game_without_a_script_is_not_told_of_one(tmp_path):
    assert not any("evaluation.py" in line for line in checked(tmp_path).passed)


@pytest.mark.parametrize(("script", "place", "words"), [
    ("def evaluate(run)\n", "evaluation.py:1", "not Python: expected ':'"),
    ("def other(run):\n    pass\n", "evaluation.py", "no function evaluate(run)"),
    ("\ndef evaluate():\n    pass\n", "evaluation.py:2", "with one argument"),
    ("def evaluate(run, more):\n    pass\n", "evaluation.py:1", "with one argument"),
    ("async def evaluate(run):\n    pass\n", "evaluation.py:1", "an async function"),
    ("x = '\0'\n", "evaluation.py", "not Python"),
])  # fmt: skip
def test_the_check_says_what_is_wrong_with_the_script(tmp_path, script, place, words):
    assert said(scripted(tmp_path, script), words).startswith(f"{place}: ")

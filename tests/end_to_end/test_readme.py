"""What the README shows works as it stands."""

import json
import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
LINEAR = Path(__file__).with_name("linear.toml")


def test_the_five_line_submission_runs_to_the_leaderboard(mlgolf_process, tmp_path):
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= 5
    (tmp_path / "my_adamw.py").write_text(block)
    mlgolf_process(
        "run", tmp_path / "my_adamw.py", "--competition", LINEAR, "--trials", 4, "--seed", 1,
        "--out", tmp_path / "run",
    )
    board = json.loads(mlgolf_process("score", tmp_path / "run", "--json").stdout)
    (entry,) = board["leaderboard"]
    assert (entry["submission"], entry["score"]) == ("my_adamw", 1.0)


def test_every_command_of_the_readme_exists(mlgolf_process):
    commands = set(re.findall(r"^    mlgolf (\w+)", README.read_text(), flags=re.MULTILINE))
    assert commands >= {"run", "score", "report", "replay"}
    for command in commands:
        mlgolf_process(command, "--help")


def test_the_guide_of_hosts_activates_then_makes_checks_and_plays():
    guide = (README.parent / "docs" / "games.md").read_text()
    commands = ["source .venv/bin/activate", "mlgolf game new wine", "mlgolf game check wine",
                "mlgolf run wine/baseline"]  # fmt: skip
    places = [guide.index(command) for command in commands]
    assert places == sorted(places)

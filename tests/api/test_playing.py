from pathlib import Path

from mlgolf.api.playing import play_in_folder

GAME = Path(__file__).parents[1] / "end_to_end" / "tiny_game" / "competition.toml"


def test_what_is_doubtful_in_the_rules_is_told_before_a_run_and_it_is_played(tmp_path):
    game = tmp_path / "competition.toml"
    game.write_text(GAME.read_text().replace("train_loss_max = 0.7", "train_loss_max = 0.1"))
    for name in ("graph.toml", "data.toml"):
        (tmp_path / name).write_text(GAME.with_name(name).read_text())
    told = []

    def play_it(request):
        told.append("played")
        return []

    play_in_folder(
        ["entry.py"], tmp_path / "run", play_it, competition=str(game), workloads=(),
        resume=False, ruleset=None, trials=None, tell=told.append, framework="torch",
        data_dir=tmp_path,
    )
    assert "No mean is above the worst example" in told[0]
    assert told[1:] == ["played"]

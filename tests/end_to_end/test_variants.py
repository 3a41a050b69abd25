"""A row of a competition plays a variant of a workload, under a name of its own."""

import json

from conftest import LINEAR

ROW = """
[workloads.linear_large_init]
workload = "linear"
variant = "large_init"
metric = "loss"
goal = "minimise"
bounds = { target = 0.02, budget_seconds = 30, step_limit = 200 }
step_hint = 2000
eval_every_steps = 100
held_out_of = "linear"
provenance = "as the workload"
"""


def rules(tmp_path, row: str):
    file = tmp_path / "rules.toml"
    text = LINEAR.read_text().replace("step_limit = 4000", "step_limit = 200")
    file.write_text(text + row)
    return file


def test_a_variant_is_played_from_its_own_start_on_the_data_of_its_workload_and_scored(
    mlgolf, tmp_path
):
    run = tmp_path / "run"
    mlgolf(
        "run", "nadamw", "--competition", rules(tmp_path, ROW), "--seed", 1, "--trials", 1,
        "--out", run,
    )
    first = {}
    for name in ("linear", "linear_large_init"):
        folder = run / "nadamw" / "study_0" / f"{name}_torch" / "trial_1"
        first[name] = json.loads((folder / "evals.jsonl").read_text().splitlines()[0])
    data = json.loads((run / "run.json").read_text())["data"]
    assert data["linear"] == data["linear_large_init"]
    losses = {name: row["metrics"]["validation/loss"] for name, row in first.items()}
    assert losses["linear_large_init"] > 2 * losses["linear"]
    scored = json.loads(mlgolf("score", run, "--json").stdout)
    assert scored["leaderboard"][0]["workloads"].keys() == {"linear"}


def test_a_variant_that_its_workload_does_not_have_is_named_with_those_it_has(mlgolf, tmp_path):
    wrong = rules(tmp_path, ROW.replace('variant = "large_init"', 'variant = "larger_init"'))
    done = mlgolf("run", "nadamw", "--competition", wrong, "--out", tmp_path / "run", expect=2)
    assert "'mini_larger_init'" in done.stderr
    assert "mini_large_init" in done.stderr
    assert not (tmp_path / "run").exists()

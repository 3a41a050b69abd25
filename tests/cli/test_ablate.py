import csv
import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from conftest import LINEAR

CODE = '''\
import torch
from mlgolf.methods import from_point
from mlgolf.torch import chosen_point, data_selection, get_batch_size, mean_loss

__all__ = ["data_selection", "get_batch_size", "init_optimizer_state", "update_params"]


def init_optimizer_state(workload, model_params, model_state, hyperparameters, rng):
    """The methods act as larger steps: what they are for is tested elsewhere."""
    point = chosen_point(hyperparameters, {})
    faster = {"ema": 2.0, "label_smoothing": 1.5}
    rate = point["learning_rate"]
    for name in from_point(point, workload).names:
        rate *= faster[name]
    return torch.optim.SGD(model_params.parameters(), lr=rate)


def update_params(
    workload, current_param_container, current_params_types, model_state, hyperparameters, batch,
    loss_type, optimizer_state, eval_results, global_step, rng, train_state=None,
):
    point = chosen_point(hyperparameters, {})
    params, optimizer = current_param_container, optimizer_state
    loss, model_state = mean_loss(workload, params, model_state, batch, rng, point)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return optimizer, params, model_state
'''
METHODS = "ema,label_smoothing"


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """Quality after 200 steps: results that do not depend on the machine."""
    text = LINEAR.read_text().replace('objective = "time"', 'objective = "validation_metric"')
    text = text.replace('  { quantity = "validation_metric", bound = "target" },\n', "")
    text = text.replace("step_limit = 4000", "step_limit = 200")
    aggregation = '[rules.aggregation]\nworkloads = "geometric_mean_ratio"\n\n'
    path = tmp_path_factory.mktemp("competition") / "rules.toml"
    path.write_text(text.replace("[workloads.linear]", f"{aggregation}[workloads.linear]"))
    return path


@pytest.fixture(scope="module")
def ablation(mlgolf, rules, tmp_path_factory, data_dir):
    """A finished run folder, and what the command said."""
    folder = tmp_path_factory.mktemp("ablation")
    made = folder / "mine"
    made.mkdir()
    (made / "submission.py").write_text(CODE)
    (made / "tuning_search_space.json").write_text('[{"learning_rate": 0.02}]')
    out = folder / "run"
    ask = ("--methods", METHODS, "--competition", rules, "--seed", 1, "--data-dir", data_dir)
    done = mlgolf("ablate", made, *ask, "--trials", 1, "--studies", 2, "--out", out, "--practice")
    return made, out, done, ask


SERVES = CODE.replace("from_point(point, workload)", 'from_point(point, workload, ["ema"])')


def test_a_method_that_is_not_served_is_refused_before_anything_is_played(
    mlgolf, ablation, tmp_path
):
    _, _, _, ask = ablation
    made, out = tmp_path / "mine", tmp_path / "run"
    made.mkdir()
    (made / "submission.py").write_text(SERVES)
    (made / "tuning_search_space.json").write_text('[{"learning_rate": 0.02}]')
    counts = ("--trials", 1, "--studies", 1, "--practice")
    said = mlgolf("ablate", made, *ask, *counts, "--out", out, expect=2).stderr
    assert f"{made} with ema+label_smoothing on linear: found label_smoothing in the point" in said
    assert "It acts on ema." in said
    assert "writing to" not in said
    assert not out.exists()


def test_an_ablation_at_one_point_says_that_it_is_not_tuned(ablation):
    assert "1 point: not tuned" in ablation[2].stdout


def test_every_combination_is_tuned_alike_in_one_run(ablation):
    _, out, done, _ = ablation
    record = json.loads((out / "run.json").read_text())
    assert set(record["submissions"]) == {"none", "ema", "label_smoothing", "ema+label_smoothing"}
    assert len([*out.glob("*/study_*/*/trial_*/verdict.json")]) == 8
    assert "linear: 4 combinations, 2 studies each" in done.stdout


def test_a_finished_run_is_analysed_again(mlgolf, ablation):
    _, out, _, _ = ablation
    found = json.loads(mlgolf("ablate", out, "--json").stdout)
    assert found["value"] == "quality"
    assert found["design"]["full"]
    assert found["design"]["resolution"] is None
    effects = {row["method"]: row for row in found["effects"]}
    assert all(row["estimate"] > 0 for row in effects.values())
    assert effects["ema"]["estimate"] > effects["label_smoothing"]["estimate"]
    (pair,) = found["interactions"]
    assert set(pair["methods"]) == {"ema", "label_smoothing"}
    assert pair["interval"][0] < pair["estimate"] < pair["interval"][1]
    shares = sum(row["estimate"] for row in found["attribution"])
    assert shares == pytest.approx(found["total"][0]["estimate"])


def test_resuming_a_finished_ablation_plays_nothing(mlgolf, ablation):
    made, out, _, ask = ablation
    done = mlgolf("ablate", made, *ask, "--out", out, "--resume")
    assert "8 done before" in done.stderr
    assert "4 combinations" in done.stdout


def test_an_incomplete_run_is_refused(mlgolf, ablation, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(ablation[1], copied)
    shutil.rmtree(copied / "ema" / "study_0")
    shutil.rmtree(copied / "ema" / "study_1")
    assert "--resume" in mlgolf("ablate", copied, expect=2).stderr


def test_a_combination_that_never_came_to_an_evaluation_is_refused(mlgolf, ablation, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(ablation[1], copied)
    for rows in copied.glob("ema/study_*/*/trial_*/evals.jsonl"):
        rows.write_text("")
    said = mlgolf("ablate", copied, expect=2).stderr
    assert "ema never came to an evaluation on linear" in said
    assert "Leave out a method" in said


def test_a_run_that_is_no_ablation_is_refused(mlgolf, rules, tmp_path, data_dir):
    out = tmp_path / "run"
    mlgolf("run", "nesterov", "--competition", rules, "--trials", 1, "--studies", 1, "--out", out,
           "--data-dir", data_dir, "--seed", 1, "--practice")  # fmt: skip
    assert "an ablation has one called 'none'" in mlgolf("ablate", out, expect=2).stderr


def demo(folder: Path) -> Path:
    path = folder / "measured.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["methods", "workload", "seed", "time"])
        for workload in ("images", "text"):
            for name, time in {"none": 8, "colout": 5, "ema": 7, "colout+ema": 5}.items():
                rows.writerows([name, workload, s, time * (1 + 0.01 * s * s)] for s in range(3))
    return path


def test_a_table_is_analysed_with_a_mean_over_workloads(mlgolf, tmp_path):
    said = mlgolf("ablate", demo(tmp_path)).stdout
    assert "mean over 2 workloads" in said
    found = json.loads(mlgolf("ablate", demo(tmp_path), "--json").stdout)
    assert [row["workload"] for row in found["total"]] == ["images", "text", None]


def test_a_figure_is_written_light_and_dark_with_its_table_and_a_page(mlgolf, tmp_path):
    mlgolf("ablate", demo(tmp_path), "-o", tmp_path / "figures")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "ablation.csv", "ablation.html", "ablation.png", "ablation.svg", "ablation_dark.png",
        "ablation_dark.svg",
    ]
    svg = (tmp_path / "figures" / "ablation.svg").read_text()
    assert "images" in svg
    assert "colout" in svg


def test_a_table_of_one_tuning_trial_each_says_that_it_is_not_tuned(mlgolf, tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text("methods,time,tuning_trials\nnone,8,1\nnone,9,1\nema,5,1\nema,6,1\n")
    assert "1 trial a study: not tuned" in mlgolf("ablate", path).stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("methods,quality\nnone,0.6\nnone,0.61\nema,65\nema,64\n", "fractions beside percents"),
        ("methods,time\nnone,60\nnone,61\nema,65000\nema,64000\n", "times of two units"),
    ],
)
def test_numbers_of_two_units_are_refused_with_their_lines(mlgolf, tmp_path, text, told):
    path = tmp_path / "measured.csv"
    path.write_text(text)
    said = mlgolf("ablate", path, expect=2).stderr
    assert told in said
    assert "measured.csv, line 4" in said or "measured.csv, line 5" in said


def test_an_effect_that_only_all_tests_together_make_doubtful_says_so(mlgolf, tmp_path):
    rng, rows = np.random.default_rng(1), ["methods,seed,time"]
    for seed, study in enumerate(rng.normal(1, 0.05, 3)):
        for on in product((0, 1), repeat=3):
            methods = np.array(["ema", "mixup", "cutout"])[np.array(on, bool)]
            name = "+".join(methods)
            time = 10 * study * 0.96 ** on[0] * rng.normal(1, 0.05)
            rows.append(f"{name or 'none'},{seed},{time}")
    path = tmp_path / "measured.csv"
    path.write_text("\n".join(rows))
    found = json.loads(mlgolf("ablate", path, "--json").stdout)
    alone = [
        row for row in (*found["effects"], *found["interactions"])
        if row["p"] < 0.05 and row["verdict"] == "cannot_tell"
    ]
    said = mlgolf("ablate", path).stdout
    assert alone
    assert said.count("cannot tell (6 tests)") == len(alone) + 1


def test_the_columns_that_were_read_are_told(mlgolf, tmp_path):
    assert "the column 'time' (--time)" in mlgolf("ablate", demo(tmp_path)).stdout


def test_it_is_there_in_python(tmp_path):
    import mlgolf

    found = mlgolf.ablate(demo(tmp_path))
    assert set(found.table["kind"]) == {"main", "interaction", "attribution", "total"}
    assert "colout" in repr(found)
    assert "<svg" in found._repr_html_()


def test_options_of_a_table_are_not_for_runs(mlgolf, ablation):
    assert "are for tables" in mlgolf("ablate", ablation[1], "--quality", "x", expect=2).stderr


def test_a_submission_without_methods_is_told_what_to_add(mlgolf, ablation):
    assert "--methods" in mlgolf("ablate", ablation[0], expect=2).stderr

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "tables" / "tradeoff_example.csv"
SEEDS = [(1, -0.004), (2, 0.0), (3, 0.004)]


def table(folder, name, points):
    """A CSV of the points (method, time, quality), three seeds each."""
    rows = [
        f"{method},{seed},{time},{quality + off}"
        for method, time, quality in points for seed, off in SEEDS
    ]
    path = folder / name
    path.write_text("\n".join(["method,seed,time,quality", *rows]) + "\n")
    return path


BASE = [("base", 1, 0.5), ("base", 2, 0.6), ("base", 4, 0.66), ("base", 8, 0.69)]


def test_the_essays_points_get_the_essays_verdicts(mlgolf):
    found = json.loads(mlgolf("curve", EXAMPLE, "--baseline", "blue", "--json").stdout)
    assert {point["method"]: point["verdict"] for point in found["points"]} == {
        "green": "better", "yellow": "better", "orange": "better", "violet": "worse",
    }


def test_verdicts_without_seeds_are_marked_as_estimates_everywhere(mlgolf, tmp_path):
    said = " ".join(mlgolf("curve", EXAMPLE, "--baseline", "blue", "-o", tmp_path).stdout.split())
    assert "worse (estimate)" in said
    assert "One run each" in (tmp_path / "tradeoff.svg").read_text()
    found = json.loads(mlgolf("curve", EXAMPLE, "--baseline", "blue", "--json").stdout)
    assert {point["verdict_by"] for point in found["points"]} == {"estimate"}


def test_verdicts_with_seeds_are_of_intervals_and_not_marked(mlgolf, tmp_path):
    path = table(tmp_path, "runs.csv", [*BASE, ("new", 1.5, 0.61), ("new", 3, 0.66)])
    assert "(estimate)" not in mlgolf("curve", path).stdout
    found = json.loads(mlgolf("curve", path, "--json").stdout)
    assert {one["verdict_by"] for one in (*found["points"], *found["curves"])} == {"interval"}


def test_both_commands_say_the_same_of_runs_without_seeds(mlgolf, tmp_path):
    (tmp_path / "base.csv").write_text("method,time,quality\na,1,0.6\na,2,0.7\na,4,0.8\n")
    (tmp_path / "change.csv").write_text("method,time,quality\nb,2,0.6\nb,4,0.7\n")
    both = tmp_path / "both.csv"
    both.write_text("method,time,quality\na,1,0.6\na,2,0.7\na,4,0.8\nb,2,0.6\nb,4,0.7\n")
    said = [
        mlgolf("curve", both).stdout,
        mlgolf("curve", "--ci", tmp_path / "base.csv", tmp_path / "change.csv").stdout,
    ]
    for one in said:
        assert "worse (estimate)" in one
        assert 'as a test of a change the answer is "cannot tell"' in " ".join(one.split())


def test_json_has_points_and_curves(mlgolf, tmp_path):
    path = table(tmp_path, "runs.csv", [*BASE, ("new", 1.5, 0.61), ("new", 3, 0.66)])
    found = json.loads(mlgolf("curve", path, "--json").stdout)
    point, curve = found["points"][0], found["curves"][0]
    assert point.keys() >= {
        "method", "time", "quality", "verdict", "speedup", "speedup_interval", "quality_gain",
        "quality_gain_interval",
    }
    assert curve.keys() >= {"method", "average_speedup", "interval", "crosses_at"}
    assert point["speedup_interval"][0] < point["speedup"] < point["speedup_interval"][1]


def test_columns_may_have_other_names(mlgolf, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,hours,loss\na,1,2.0\na,2,1.5\nb,1,1.7\n")
    ask = ("--time", "hours", "--quality", "loss", "--goal", "minimise")
    found = json.loads(mlgolf("curve", path, *ask, "--json").stdout)
    assert found["points"][0]["verdict"] == "better"


OTHERS = (
    "method,time,quality,energy,memory\n"
    "b,60,0.6,5,9\nb,120,0.7,8,4\nb,240,0.75,4,4\nc,100,0.72,3,9\n"
)


def test_the_front_may_be_of_any_two_columns_with_their_directions(mlgolf, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(OTHERS)
    ask = ("curve", path, "--pareto", "energy:minimise,memory:maximise")
    found = json.loads(mlgolf(*ask, "--json").stdout)
    assert [(one["method"], one["energy"], one["memory"]) for one in found["pareto_front"]] == [
        ("c", 3, 9)
    ]
    assert found["pareto_axes"][1] == {"name": "memory", "goal": "maximise"}
    assert "Pareto front of energy (minimise) and memory (maximise)" in mlgolf(*ask).stdout


def test_the_front_of_runs_may_be_of_any_two_quantities(mlgolf, ladder):
    ask = ("--baseline", "nadamw", "--pareto", "steps:minimise,test_metric:minimise", "--json")
    front = json.loads(mlgolf("curve", ladder[0], *ask).stdout)["pareto_front"]
    assert [one["steps"] for one in front] == [40, 100, 200]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("energy,memory", "each with which way is better"),
        ("energy:minimise", "give two columns"),
        ("energy:minimise,mass:maximise", "found no column mass"),
    ],
)
def test_a_front_of_what_is_no_column_with_a_direction_is_refused(mlgolf, tmp_path, text, told):
    path = tmp_path / "runs.csv"
    path.write_text(OTHERS)
    assert told in mlgolf("curve", path, "--pareto", text, expect=2).stderr


def test_a_figure_is_written_light_and_dark_with_its_table_and_a_page(mlgolf, tmp_path):
    mlgolf("curve", EXAMPLE, "--baseline", "blue", "-o", tmp_path / "figures")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "tradeoff.csv", "tradeoff.html", "tradeoff.png", "tradeoff.svg", "tradeoff_dark.png",
        "tradeoff_dark.svg",
    ]


def test_an_unfair_comparison_says_so_on_its_figure(mlgolf, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,time,quality,hardware\na,1,1,x\na,2,2,x\nb,1,2,y\n")
    assert "not fair" in mlgolf("curve", path, expect=2).stderr
    said = mlgolf("curve", path, "--unfair", "-o", tmp_path).stdout
    assert "not a fair comparison: different hardware" in " ".join(said.split())
    assert "Not a fair comparison" in (tmp_path / "tradeoff.svg").read_text()


@pytest.mark.parametrize(
    ("faster", "code", "headline"), [(2.0, 0, "Better"), (1.0, 0, "Cannot tell"), (0.5, 1, "Worse")]
)
def test_only_a_change_for_the_worse_fails_a_pull_request(mlgolf, tmp_path, faster, code, headline):
    base = table(tmp_path, "base.csv", BASE)
    changed = table(tmp_path, "change.csv", [("mine", t / faster, q) for _, t, q in BASE])
    said = mlgolf("curve", "--ci", base, changed, "-o", tmp_path, expect=code).stdout
    assert said.startswith(f"**{headline}**")
    assert "tradeoff.png)" in said


@pytest.mark.parametrize(
    ("qualities", "why"),
    [((0.3, 0.4, 0.45, 0.48), "below all of the base"), ((0.62, 0.62, 0.62, 0.62), "flat")],
)
def test_a_change_whose_points_are_worse_fails_though_curves_share_no_quality(
    mlgolf, tmp_path, qualities, why
):
    base = table(tmp_path, "base.csv", BASE)
    points = [("mine", time, q) for (_, time, _), q in zip(BASE, qualities, strict=True)]
    changed = table(tmp_path, f"{why}.csv", points)
    said = mlgolf("curve", "--ci", base, changed, expect=1).stdout
    assert "worse" in said.partition("\n")[0].lower()


def test_a_change_with_one_run_each_never_fails_and_says_why(mlgolf, tmp_path):
    for name, last in (("base", 0.8), ("change", 0.7999)):
        (tmp_path / f"{name}.csv").write_text(
            f"method,time,quality\n{name},1,0.6\n{name},2,0.7\n{name},4,{last}\n"
        )
    said = mlgolf("curve", "--ci", tmp_path / "base.csv", tmp_path / "change.csv").stdout
    assert said.startswith("**Cannot tell**")
    assert "three seeds or more" in said


def test_an_error_in_the_changed_table_names_that_table(mlgolf, tmp_path):
    base = table(tmp_path, "base.csv", BASE)
    changed = tmp_path / "change.csv"
    changed.write_text("method,seed,time,quality\nm,0,1,1\nm,0,2,1\nm,1,2.01,1\nm,1,4,1\n")
    said = mlgolf("curve", "--ci", base, changed, expect=2).stderr
    assert "change.csv, line 4: found a time" in said


def test_a_baseline_besides_base_and_change_is_refused(mlgolf, tmp_path):
    base = table(tmp_path, "base.csv", BASE)
    said = mlgolf("curve", "--ci", base, base, "--baseline", "base", expect=2).stderr
    assert "--baseline" in said


@pytest.mark.parametrize("command", ["curve", "ablate", "tuning"])
@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_with_other_separators_is_named_with_what_to_do(
    mlgolf, tmp_path, command, mark, name
):
    path = tmp_path / "runs.csv"
    path.write_text("method;time;quality\na;1;0,5\n".replace(";", mark))
    said = mlgolf(command, path, expect=2).stderr
    assert f"line 1: this file looks separated by {name}" in said
    assert "Save it again" in said


def test_what_was_taken_for_granted_of_a_table_is_told(mlgolf, tmp_path):
    path = table(tmp_path, "runs.csv", [*BASE, ("new", 2, 0.6)])
    said = " ".join(mlgolf("curve", path).stdout.split())
    assert "the column 'time' (--time), as quality to maximise (--goal): 'quality'" in said
    assert "the baseline is the first method, base (--baseline)" in said


def test_a_wrong_table_is_one_message(mlgolf, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,time,quality\na,0,1\n")
    said = mlgolf("curve", path, expect=2).stderr
    assert said.count("\n") == 1
    assert "line 2: time: found '0', allowed is a number above 0" in said


def test_a_table_of_one_method_is_refused_and_nothing_is_written(mlgolf, tmp_path):
    path, figures = table(tmp_path, "runs.csv", BASE), tmp_path / "figures"
    said = mlgolf("curve", path, "-o", figures, expect=2).stderr
    assert "found one method, base; a comparison needs another" in " ".join(said.split())
    assert not figures.exists()


@pytest.fixture(scope="module")
def ladder(mlgolf, tmp_path_factory, data_dir):
    """The folder of a run at three budgets, and what the command said."""
    from conftest import LINEAR

    out = tmp_path_factory.mktemp("ladder") / "run"
    ask = ("--competition", LINEAR, "--tuning", "self", "--studies", "2", "--seed", "1")
    done = mlgolf(
        "run", "nadamw", "nesterov", *ask, "--ladder", "0.02,0.05,0.1", "--data-dir", data_dir,
        "--out", out,
    )
    return out, done.stderr


def test_a_ladder_is_run_and_compared(mlgolf, ladder):
    out, said = ladder
    assert f"next: mlgolf curve {out}" in said
    found = json.loads(mlgolf("curve", out, "--baseline", "nadamw", "--json").stdout)
    assert [point["runs"] for point in found["points"]] == [2, 2, 2]
    assert found["goal"] == "minimise"


def test_a_score_of_a_ladder_says_that_its_rows_are_budgets_and_what_to_do(mlgolf, ladder):
    said = mlgolf("score", ladder[0]).stdout
    assert "linear_x0.02, linear_x0.05, linear_x0.1 are 3 budgets of linear" in said
    assert "mlgolf curve RUN --workload linear" in said


def test_a_score_of_a_ladder_asks_for_the_studies_that_its_run_had(mlgolf, ladder):
    assert "that the rules ask for" not in mlgolf("score", ladder[0]).stdout


def test_a_ladder_that_is_tuned_at_one_budget_is_run_and_compared(mlgolf, tmp_path):
    from conftest import LINEAR

    out = tmp_path / "run"
    played = mlgolf(
        "run", "nadamw", "nesterov", "--competition", LINEAR, "--trials", 2, "--studies", 2,
        "--seed", 1, "--ladder", "0.02,0.05,0.1", "--tune-at", "0.05", "--out", out,
    )  # fmt: skip
    assert "[16/16]" in played.stderr
    found = json.loads(mlgolf("curve", out, "--baseline", "nadamw", "--json").stdout)
    assert [point["runs"] for point in found["points"]] == [2, 2, 2]
    assert any("best at linear_x0.05, at every budget" in note for note in found["notes"])
    assert "missing" not in mlgolf("score", out).stdout
    shown = " ".join(mlgolf("runs", "show", out).stdout.split())
    assert "2 studies of 2 trials at linear_x0.05, of which one goes to other budgets" in shown
    tuned = " ".join(mlgolf("tuning", out).stdout.split())
    assert "linear_x0.02 and linear_x0.1 left out: nothing was tuned there" in tuned


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (("--tune-at", "1"), "found 1 without --ladder"),
        (("--tune-at", "3", "--ladder", "1,2"), "found 3, allowed are those of --ladder: 1, 2"),
    ],
)
def test_tuning_is_at_one_of_the_budgets(mlgolf, tmp_path, ask, message):
    said = mlgolf("run", "nadamw", *ask, "--out", tmp_path / "run", expect=2).stderr
    assert message in " ".join(said.split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["1", "0,1", "a,b", "1,,2", "-1,2"])
def test_a_ladder_is_of_two_budgets_at_least(mlgolf, tmp_path, text):
    said = mlgolf("run", "nadamw", f"--ladder={text}", "--out", tmp_path / "run", expect=2).stderr
    assert "give two budgets at least" in said


def test_a_table_against_itself_cannot_be_told_apart_and_fails_no_change(mlgolf, tmp_path):
    rows = [
        ("mine", time, quality + 0.001 * seed)
        for time, quality in ((60, 0.70), (85, 0.73), (120, 0.75)) for seed in (1, 2, 3)
    ]
    path = tmp_path / "base.csv"
    lines = [f"{m},{n % 3},{t},{q}" for n, (m, t, q) in enumerate(rows)]
    path.write_text("\n".join(["method,seed,time,quality", *lines]))
    assert mlgolf("curve", "--ci", path, path).stdout.startswith("**Cannot tell**")


def test_a_change_that_is_not_compared_fairly_says_so_before_all_else(mlgolf, tmp_path):
    for name, machine in (("base", "x"), ("change", "y")):
        rows = [f"m,{s},{t},{q + off},{machine}" for _, t, q in BASE for s, off in SEEDS]
        text = "\n".join(["method,seed,time,quality,machine", *rows])
        (tmp_path / f"{name}.csv").write_text(text)
    files = (tmp_path / "base.csv", tmp_path / "change.csv")
    said = mlgolf("curve", "--ci", *files, "--unfair").stdout
    assert said.startswith("**Not a fair comparison: different machines in one comparison: x")
    assert "**Cannot tell**" in said


def test_a_comparison_in_the_terminal_begins_with_that_it_is_not_fair(mlgolf, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,time,quality,hardware\na,1,1,x\na,2,2,x\nb,1,2,y\n")
    said = mlgolf("curve", path, "--unfair").stdout
    assert said.startswith("Not a fair comparison: different hardware")


def test_a_change_with_fewer_seeds_is_named_by_its_file_and_line(mlgolf, tmp_path):
    base, single = table(tmp_path, "base.csv", BASE), tmp_path / "single.csv"
    single.write_text("method,time,quality\nm,1,0.5\nm,2,0.6\n")
    said = " ".join(mlgolf("curve", "--ci", base, single, expect=2).stderr.split())
    assert "single.csv: this comparison is not fair" in said
    assert "change has 1 run at a budget, the baseline 3. Train it with 3 seeds" in said
    assert "single.csv, line 2" in said


@pytest.mark.parametrize("command", ["curve", "ablate", "tuning"])
def test_an_empty_table_is_told_with_what_to_do(mlgolf, tmp_path, command):
    path = tmp_path / "runs.csv"
    path.write_text("\n")
    said = " ".join(mlgolf(command, path, expect=2).stderr.split())
    assert "runs.csv: found an empty file, expected the names of columns" in said


def test_an_interval_stays_on_one_line_in_80_columns(mlgolf, tmp_path):
    path = table(tmp_path, "runs.csv", [*BASE, ("a_change", 0.5, 0.5), ("a_change", 3, 0.665)])
    rows = mlgolf("curve", path).stdout.splitlines()
    assert max(map(len, rows[:12])) <= 80
    assert not [row for row in rows[:20] if row.count("(") != row.count(")")]

import json
from pathlib import Path

import pytest

from mlgolf.results.bundles.writing import write_bundle

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
CHINCHILLA = ("fit", "chinchilla_runs", "--without", "outlier_top5_loss", "--draws", "200")


@pytest.fixture(scope="module")
def refit(mlgolf):
    return json.loads(mlgolf(*CHINCHILLA, "--at", "5.76e23", "--json").stdout)


def test_json_has_the_documented_keys(refit):
    assert refit.keys() >= {
        "E", "A", "B", "alpha", "beta", "objective", "intervals", "optimal", "not_identified"
    }
    assert refit["optimal"].keys() >= {"a", "b"}
    assert refit["intervals"].keys() == {"E", "A", "B", "alpha", "beta"}


def test_a_budget_that_is_asked_for_is_spent(refit):
    budget, = refit["budgets"]
    assert 6 * budget["params"] * budget["tokens"] == pytest.approx(5.76e23)
    assert budget["extrapolation_decades"] == pytest.approx(1.65, abs=0.05)


def test_a_run_is_predicted_with_the_interval_of_one_run(mlgolf):
    found = json.loads(mlgolf(*CHINCHILLA, "--predict", "7e10,1.4e12", "--json").stdout)
    run, = found["predictions"]
    assert run["interval"][0] < run["loss"] < run["interval"][1]
    assert run["extrapolation_decades"] > 1


def test_the_fit_with_outliers_stands_beside(refit):
    changes = [one["change"] for one in refit["sensitivity"]]
    assert changes == ["with the 5 runs left out", "delta 0.01"]


def test_figure_table_and_page_are_written(mlgolf, tmp_path):
    mlgolf(*CHINCHILLA, "-o", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "scaling.csv", "scaling.svg", "scaling.png", "scaling_dark.svg", "scaling_dark.png",
        "scaling.html",
    }


def test_isoflop_needs_no_law(mlgolf):
    shown = mlgolf("fit", "chinchilla_runs", "--form", "isoflop").stdout
    assert "parameters grow as C^0.4" in shown or "parameters grow as C^0.5" in shown


def test_repeats_are_fitted_with_the_law_given(mlgolf):
    law = {
        "E": 1.869144, "A": 520.825, "B": 1487.716, "alpha": 0.3526596, "beta": 0.3526596,
    }  # Muennighoff et al. (2023), first stage  # fmt: skip
    given = [part for name, value in law.items() for part in ("--given", f"{name}={value}")]
    found = json.loads(mlgolf(
        "fit", "data_constrained_runs", "--loss", "val_loss", "--unique", "unique_tokens",
        "--only", "in_reference_fit", *given, "--draws", "200", "--json",
    ).stdout)  # fmt: skip
    low, high = found["intervals"]["R_N"]
    assert low < 5.31 < high  # as published
    assert found["intervals"]["R_D"][0] < 15.4
    assert found["not_identified"] == ["R_D"]


def test_a_bundle_is_read_as_its_run(mlgolf, tmp_path):
    bundle = write_bundle(STORED, tmp_path / "a.mlgolf.zip").path
    of_run, of_bundle = (
        mlgolf("fit", one, expect=2).stderr.replace(str(one), "RUN") for one in (STORED, bundle)
    )
    assert of_bundle == of_run
    assert "RUN: no trial ended as planned" in of_run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--form", "parabola"), "unknown form 'parabola'"),
        (("--form", "precision"), "form precision: needs --bits"),
        (("--predict", "7e10"), "--predict: found '', allowed is a number"),
        (("--given", "E"), "found 'E', allowed is NAME=VALUE"),
        (("--given", "E=1.7", "--given", "E=1.8"), "--given: found E twice, allowed is once"),
        (("--given", "gamma=1"), "gamma: found a value for it, but it is no parameter"),
        (("--loss", "nats"), "found no column nats"),
        (("--at", "-5"), "at: found -5, allowed is a number above 0"),
        (("--predict", "7e10,0"), "predict: found 0, allowed is a number above 0"),
        (("--bits", "gradients=params"), "unknown kind of bits 'gradients'"),
    ],
)
def test_a_mistake_is_one_message(mlgolf, options, message):
    found = mlgolf("fit", "chinchilla_runs", *options, expect=2)
    assert message in " ".join(found.stderr.split())
    assert "Traceback" not in found.stderr

import json

import pytest

from mlgolf.data.tables import published_table


def planned(mlgolf, *options):
    return json.loads(mlgolf("plan", *options, "--json").stdout)


def test_json_has_the_documented_keys(mlgolf):
    assert planned(mlgolf, "--dollars", 500).keys() >= {
        "params", "tokens", "loss", "loss_interval", "devices", "hours", "dollars", "utilisation",
        "checkpoint_interval_seconds", "extrapolation_decades", "sensitivities",
    }


def test_each_number_names_its_source(mlgolf):
    found = planned(mlgolf, "--dollars", 500)
    numbers = {
        "params", "tokens", "loss", "flop", "devices", "hours", "dollars", "utilisation",
        "checkpoint_interval_seconds", "extrapolation_decades", "batch_tokens", "overhead",
    }  # fmt: skip
    assert {name for name, source in found["sources"].items() if source} >= numbers


def test_a_price_table_of_ones_own_changes_the_plan(mlgolf, tmp_path):
    (tmp_path / "mine.csv").write_text(
        "device,usd_per_hour,date,source\nH100 SXM 80GB,0.5,2026-11,our contract\n"
    )
    ours = planned(mlgolf, "--dollars", 500, "--prices", tmp_path / "mine.csv")
    assert ours["loss"] != planned(mlgolf, "--dollars", 500)["loss"]
    assert "our contract" in ours["sources"]["dollars"]


def test_hours_are_of_a_device(mlgolf):
    found = planned(mlgolf, "--hours", 24, "--device", "H100 SXM 80GB", "--devices", 8)
    assert found["devices"] == 8
    assert found["hours"] == pytest.approx(24, rel=1e-3)


def test_the_published_fit_is_what_the_published_runs_give(mlgolf):
    fit = json.loads(mlgolf(
        "fit", "chinchilla_runs", "--without", "outlier_top5_loss", "--draws", "100", "--json"
    ).stdout)  # fmt: skip
    shipped = json.loads(
        published_table("chinchilla_runs").with_name("chinchilla_fit.json").read_text()
    )
    for name in ("E", "A", "B", "alpha", "beta"):
        assert shipped[name] == pytest.approx(fit[name], rel=1e-4)


def test_a_fit_of_ones_own_is_planned_by(mlgolf, tmp_path):
    fit = mlgolf(
        "fit", "overtraining_runs", "--loss", "loss_c4", "--draws", "100", "--json"
    ).stdout
    (tmp_path / "fit.json").write_text(fit)
    found = planned(mlgolf, "--flops", 1e20, "--fit", tmp_path / "fit.json")
    assert found["sources"]["loss"].startswith("the law of overtraining_runs")


def test_figures_and_a_page_are_written(mlgolf, tmp_path):
    (tmp_path / "service.toml").write_text(
        "requests = 1e9\nprompt_tokens = 500\nanswer_tokens = 200\n"
        "[value]\nloss = [3.0, 2.0]\ndollars = [0, 0.003]\n"
    )
    mlgolf("plan", "--dollars", 5000, "--service", tmp_path / "service.toml", "-o", tmp_path)
    assert (tmp_path / "plan.html").read_text().count("<svg") == 2


def test_a_plan_at_8_bits_says_what_it_takes_for_granted(mlgolf):
    device = ("--device", "H100 SXM 80GB")
    low = mlgolf("plan", "--dollars", 500, *device, "--precision", "fp8").stdout
    usual = mlgolf("plan", "--dollars", 500, *device).stdout
    assert ["At 8 bits the plan takes" in said for said in (low, usual)] == [True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Usage"),
        (("--kind", "spot"), "budget: found none; allowed is one of flops, dollars, hours"),
        (("--dollars", 1, "--flops", 1), "budget: found flops, dollars"),
        (("--dollars", 0), "dollars: found 0, allowed is a number above 0"),
        (("--hours", 1), "hours: of which device?"),
        (("--dollars", 5, "--device", "H1000"), "unknown device with a price 'H1000'"),
        (("--dollars", 5, "--precision", "int4"), "unknown precision 'int4'"),
        (("--dollars", 5, "--utilisation", 40), "utilisation: found 40"),
        (("--dollars", 5, "--fit", "/nowhere.json"), "/nowhere.json: No such file"),
    ],
)
def test_a_mistake_is_one_message(mlgolf, options, message):
    found = mlgolf("plan", *options, expect=None)
    assert found.returncode != 0 or not options
    assert message in " ".join((found.stderr + found.stdout).split())
    assert "Traceback" not in found.stderr


def test_a_budget_beyond_the_runs_is_labelled(mlgolf):
    assert "decades beyond the runs of the fit" in mlgolf("plan", "--dollars", 5e6).stdout


def test_a_plan_is_played_as_a_competition(mlgolf, tmp_path):
    folder = tmp_path / "cheap"
    mlgolf("plan", "--dollars", 2e-5, "--as-competition", folder, "--workload", "criteo1tb")
    played = mlgolf(
        "run", "nadamw", "--competition", folder, "--tuning", "self", "--studies", 1,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert "QUALIFIED" in played.stdout + played.stderr

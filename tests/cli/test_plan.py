import json

import pytest

from mlgolf.data.tables import published_table


def planned(mlgolf, *options):
    return json.loads(mlgolf("plan", *options, "--json").stdout)


def test_json_has_the_documented_keys(mlgolf):
    assert planned(mlgolf, "--dollars", 500).keys() >= {
        "params", "tokens", "loss", "loss_interval", "devices", "hours", "dollars", "utilisation",
        "checkpoint_interval_seconds", "extrapolation_decades", "sensitivities", "levers",
    }


SERVICE = (
    "requests = 1e9\nprompt_tokens = 500\nanswer_tokens = 200\n"
    "[value]\nloss = [3.0, 2.0]\ndollars = [0, 0.003]\n"
)


@pytest.fixture(scope="module")
def everything(mlgolf, tmp_path_factory):
    """A plan with all that can be asked of it."""
    file = tmp_path_factory.mktemp("service") / "service.toml"
    file.write_text(SERVICE)
    return planned(
        mlgolf, "--dollars", 5000, "--service", file, "--unique-tokens", 1e10,
        "--inference-tokens", 1e9, "--lever", "moe=2.9,2.6,3.2",
    )  # fmt: skip


def test_each_number_names_its_source(everything):
    told = {name for name, source in everything["sources"].items() if source}
    assert told == everything.keys() - {"schema_version", "profit", "sources", "assumed"}


def test_each_number_of_the_model_of_most_profit_names_its_source(everything):
    profit = everything["profit"]
    told = {name for name, source in profit["sources"].items() if source}
    assert told == profit.keys() - {"sources", "assumed"}


def test_the_model_of_most_profit_says_that_repeats_count_in_full(mlgolf, everything, tmp_path):
    assert everything["profit"]["sources"]["loss"].endswith(", as if no token were seen twice")
    (tmp_path / "service.toml").write_text(SERVICE)
    asked = ("--dollars", 5000, "--service", tmp_path / "service.toml", "--unique-tokens", 1e10)
    said = " ".join(mlgolf("plan", *asked).stdout.split())
    assert "The model of most profit is counted as if no token were seen twice" in said


def test_what_rests_on_an_assumption_is_named(everything):
    assert {"devices", "checkpoint_interval_seconds", "loss"} <= {*everything["assumed"]}
    assert not {"usd_per_hour", "utilisation", "price_date"} & {*everything["assumed"]}


def test_interruptions_that_no_seller_tells_are_an_assumption(mlgolf):
    device = ("--dollars", 500, "--device", "H100 SXM 80GB", "--json")
    spot, on_demand = (
        json.loads(mlgolf("plan", *device, "--kind", kind).stdout) for kind in ("spot", "on_demand")
    )
    assert ["overhead" in found["assumed"] for found in (spot, on_demand)] == [True, False]


def test_the_best_plan_without_assumed_interruptions_is_told(mlgolf):
    said = " ".join(mlgolf("plan", "--dollars", 500).stdout.split())
    assert "How often TPU v6e (Trillium) is interrupted is assumed. Where that is known," in said
    assert "is interrupted" not in mlgolf("plan", "--dollars", 500, "--kind", "on_demand").stdout


def test_repeats_count_by_the_published_constant_where_the_fit_has_none(everything):
    assert "R_D = 15.4 of Muennighoff et al. (2023)" in everything["sources"]["loss"]
    assert "R_N = 5.3 of Muennighoff et al. (2023)" in everything["sources"]["loss"]
    assert everything["tokens"] > 1e10


def test_what_a_method_would_buy_is_told_with_its_interval(everything):
    (moe,) = everything["levers"]
    low, high = moe["gain_interval"]
    assert (moe["lever"], moe["times"], moe["times_interval"]) == ("moe", 2.9, [2.6, 3.2])
    assert moe["loss"] == pytest.approx(everything["loss"] - moe["gain"])
    assert 0 < low < moe["gain"] < high


def test_the_dollars_are_those_of_training_and_of_answers(everything):
    parts = everything["training_dollars"] + everything["inference_dollars"]
    assert everything["dollars"] == pytest.approx(parts)
    assert 4999.99 < everything["dollars"] <= 5000
    assert everything["inference_dollars"] > 0


def test_the_best_plan_of_each_device_is_there(mlgolf):
    found = planned(mlgolf, "--dollars", 500)
    devices = [one["device"] for one in found["by_device"]]
    assert len(devices) == len({*devices}) > 10
    assert found["by_device"][0]["loss"] == found["loss"]


def test_devices_are_chosen_and_left_out(mlgolf):
    two = ("--device", "H100 SXM 80GB", "--device", "L4")
    assert {one["device"] for one in planned(mlgolf, "--dollars", 500, *two)["by_device"]} == {
        "H100 SXM 80GB", "L4"
    }  # fmt: skip
    best = planned(mlgolf, "--dollars", 500)["device"]
    other = planned(mlgolf, "--dollars", 500, "--without-device", best)
    assert best not in {other["device"], *(one["device"] for one in other["by_device"])}


def unidentified(tmp_path, *names, **changes):
    shipped = published_table("chinchilla_runs").with_name("chinchilla_fit.json")
    fit = json.loads(shipped.read_text())
    (tmp_path / "fit.json").write_text(json.dumps({**fit, "not_identified": names, **changes}))
    return tmp_path / "fit.json"


@pytest.mark.parametrize(
    ("names", "changes", "unknown"),
    [
        (["alpha", "A"], {}, "alpha is"),
        (["beta"], {}, "beta is"),
        (["A"], {"A": None}, "A is"),
        (["alpha", "beta"], {}, "alpha and beta are"),
    ],
)
def test_a_fit_that_gives_no_best_sizes_is_not_planned_by(
    mlgolf, tmp_path, names, changes, unknown
):
    fit = unidentified(tmp_path, *names, **changes)
    said = " ".join(mlgolf("plan", "--dollars", 500, "--fit", fit, expect=2).stderr.split())
    assert f"no best size follows from this fit: {unknown} not identified" in said


def test_what_else_a_fit_does_not_tell_is_said_first(mlgolf, tmp_path):
    said = mlgolf("plan", "--dollars", 500, "--fit", unidentified(tmp_path, "E", "A")).stdout
    assert said.startswith("The runs of chinchilla_runs do not tell E and A: ")


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
    (tmp_path / "service.toml").write_text(SERVICE)
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
        (("--dollars", 5, "--kind", "foo"), "unknown kind 'foo'. Known: on_demand, spot"),
        (("--dollars", 5, "--without-device", "H1000"), "unknown device with a price 'H1000'"),
        (("--dollars", 5, "--device", "L4", "--kind", "spot"), "found no spot price of L4 that is "
         "not left out. It is sold as on_demand"),
        (("--dollars", 5, "--unique-tokens", 0), "unique tokens: found 0, allowed is a number"),
        (("--dollars", 5, "--inference-tokens", 1e30), "answers take the whole budget"),
        (("--dollars", 5, "--inference-tokens", -1), "inference tokens: found -1, allowed"),
        (("--hours", 1, "--as-competition", "c"), "--as-competition: found --hours; it is played"),
        (("--as-competition", "c"), "--as-competition: found no --dollars"),
        (("--dollars", 1, "--device", "L4", "--as-competition", "c"), "found --device; it is"),
        (("--dollars", 500, "--as-competition", "c"), "dollars: found 500, which buy 3.57e+07 s of "
         "one-thread-cpu, 3968253968 steps. Allowed are"),
        (("--dollars", 1e-9, "--as-competition", "c"), "found 1e-09, which buy 7.14e-05 s"),
        (("--dollars", 5, "--lever", "moe"), "--lever: found 'moe', allowed is NAME=TIMES or"),
        (("--dollars", 5, "--lever", "moe=2", "--lever", "moe=3"), "--lever: found moe twice"),
        (("--dollars", 5, "--lever", "=2.9"), "--lever: found '=2.9', allowed is NAME=TIMES or"),
        (("--dollars", 5, "--lever", "moe=0"), "lever moe: found 0, allowed is a number above 0"),
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


def test_a_competition_says_what_its_money_buys_and_whose_price_that_is(mlgolf, tmp_path):
    folder = tmp_path / "cheap"
    said = mlgolf("plan", "--dollars", 1e-4, "--as-competition", folder).stdout
    assert said.startswith(
        "$0.0001 buy 7.14 s of one-thread-cpu at $0.0504 an hour (assumed: about what one rented "
    )
    assert "793 steps of finewebedu_lm, 0.2 times its own budget" in said
    assert "the price is assumed: about what" in (folder / "competition.toml").read_text()


def test_a_competition_that_takes_long_says_so(mlgolf, tmp_path):
    said = mlgolf("plan", "--dollars", 0.05, "--as-competition", tmp_path / "dear").stdout
    assert "That is long: a trial takes 59.5 minutes on the reference machine." in said


def test_a_plan_is_played_as_a_competition(mlgolf, tmp_path):
    folder = tmp_path / "cheap"
    mlgolf("plan", "--dollars", 2e-5, "--as-competition", folder, "--workload", "criteo1tb")
    played = mlgolf(
        "run", "nadamw", "--competition", folder, "--tuning", "self", "--studies", 1,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert "QUALIFIED" in played.stdout + played.stderr

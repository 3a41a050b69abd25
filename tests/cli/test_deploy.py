"""The command on small models. Its verdicts on planted faults: tests/deployment/."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "deployment"))
from small_models import WEIGHTS, inputs, linear, logits

QUICK = ("--runs", 60, "--seconds", 0.3, "--batch-sizes", "1,4", "--threads", 1)


@pytest.fixture
def files(tmp_path):
    """A sound model, its reference and data."""
    x = inputs()
    np.savez(tmp_path / "reference.npz", logits=logits(x))
    np.savez(tmp_path / "data.npz", x=x, targets=logits(x).argmax(axis=1))
    linear(tmp_path / "model.onnx")
    return tmp_path


def asked(folder, *more, model="model.onnx", reference="reference.npz", data="data.npz"):
    named = ("--reference", folder / reference, "--data", folder / data)
    return ("deploy", folder / model, *named, *QUICK, *more)


def test_a_sound_model_passes_and_everything_is_in_its_json(mlgolf, files):
    found = json.loads(mlgolf(*asked(files, "--json")).stdout)
    assert (found["passed"], found["verdict"], found["reasons"]) == (True, "pass", [])
    assert found["parity"]["relative"] < 1e-6
    assert found["parity"]["changed_examples"] == []
    latency = found["latency"]
    assert latency.keys() >= {"p50_ms", "p95_ms", "p99_ms", "intervals", "batch_size", "threads"}
    assert latency["intervals"]["p50_ms"][0] <= latency["p50_ms"]
    assert latency["intervals"]["p99_ms"][1] is None  # 60 runs do not bound it
    assert [row["batch_size"] for row in found["throughput"]] == [1, 4]
    assert all(row["examples_per_second"] > 0 for row in found["throughput"])
    assert found["cold_start"]["total_ms"] > 0
    assert found["memory"]["peak_bytes"] > 1e6
    assert found["size"]["bytes"] == (files / "model.onnx").stat().st_size
    assert found["quality"]["drop"] == 0
    named = {row["name"] for row in found["operators"] if row["operator"] != "(run)"}
    assert named <= {"relu", "product", "last", "up to last", "(the runtime's)"}
    assert "product" in named
    quantised = found["quantisation"]
    assert quantised["layers"][0]["layer"] == "product"
    assert 0 < quantised["relative"] < 0.1


def test_a_page_and_a_figure_are_written(mlgolf, files):
    mlgolf(*asked(files, "--quantise", "none", "-o", files / "report"))
    assert {path.name for path in (files / "report").iterdir()} == {
        "deploy.csv", "deploy.html", "deploy.png", "deploy.svg", "deploy_dark.png",
        "deploy_dark.svg",
    }  # fmt: skip
    page = (files / "report" / "deploy.html").read_text()
    assert "Ready to ship: model.onnx" in page
    assert "default-src 'none'" in page
    figure = (files / "report" / "deploy.svg").read_text()
    assert "Ready to ship: model.onnx" in figure
    assert "found, as a share of its bound" in figure


def test_a_budget_that_is_not_kept_fails_with_its_reason(mlgolf, files):
    budget = files / "ship.toml"
    budget.write_text("size_mb = 0.0001\nmemory_mb = 500\nlatency_p50_ms = 1000\n")
    done = mlgolf(*asked(files, "--quantise", "none", "--budget", budget, "--json"), expect=1)
    found = json.loads(done.stdout)
    assert found["verdict"] == "fail"
    assert len(found["reasons"]) == 1
    assert "size of the file" in found["reasons"][0]


def test_the_cold_start_that_is_judged_is_the_one_that_is_told(mlgolf, files):
    (files / "ship.toml").write_text("cold_start_ms = 1e6\n")
    more = ("--quantise", "none", "--budget", files / "ship.toml")
    said = " ".join(mlgolf(*asked(files, *more)).stdout.split())
    judged, told = re.findall(r"cold start (?:is )?([\d.,]+) ms", said)
    assert judged == told


def test_what_cannot_be_told_is_no_pass(mlgolf, files):
    budget = files / "ship.toml"
    budget.write_text("latency_p99_ms = 1000\n")
    done = mlgolf(*asked(files, "--quantise", "none", "--budget", budget), expect=1)
    assert "Not shown to be ready" in done.stdout
    assert "raise --runs" in " ".join(done.stdout.split())


def test_another_onnx_file_may_be_the_reference_and_is_raced(mlgolf, files):
    linear(files / "other.onnx", 1.1 * WEIGHTS)
    ask = asked(files, "--quantise", "none", "--json", reference="other.onnx")
    found = json.loads(mlgolf(*ask, expect=1).stdout)
    assert found["beside_reference"] > 0
    gaps = {row["value"]: row["relative"] for row in found["parity"]["layers"]}
    assert gaps["positive"] == 0
    assert gaps["hidden"] == pytest.approx(0.1 / 1.1, rel=1e-3)


def test_a_table_of_rows_is_data(mlgolf, files):
    x = inputs(20)
    head = ",".join([*(f"f{n}" for n in range(x.shape[1])), "targets"])
    rows = [",".join(map(str, [*row, 0])) for row in x]
    (files / "data.csv").write_text("\n".join([head, *rows]) + "\n")
    np.save(files / "reference.npy", logits(x))
    ask = asked(files, "--quantise", "none", "--json", reference="reference.npy", data="data.csv")
    found = json.loads(mlgolf(*ask).stdout)
    assert found["quality"]["num_examples"] == 20


def test_nan_in_the_inputs_is_named_where_outputs_differ(mlgolf, files):
    x = inputs()
    x[5, 0] = np.nan
    np.savez(files / "data.npz", x=x)
    found = json.loads(mlgolf(*asked(files, "--quantise", "none", "--json"), expect=1).stdout)
    (fault,) = found["likely_faults"]
    assert fault["fault"] == "not finite"
    assert "input 'x' has NaN or infinity in 1 of 60 examples, first in example 5" in fault["says"]


def test_a_device_is_profiled_and_the_latency_there_predicted(mlgolf, files, monkeypatch):
    from mlgolf.deployment import operators

    few = [*operators.models()][:6]
    table = files / "there.csv"
    rows = operators.measure  # in another process the whole sweep would run
    monkeypatch.setattr(operators, "models", lambda: iter(few))
    monkeypatch.setattr(
        "mlgolf.api.deployment.ask",
        lambda task, **order: rows(**order) if task == "operators" else pytest.fail(task),
    )
    own = ("--data", files / "data.npz")
    mlgolf("deploy", files / "model.onnx", *own, "--profile-device", "-o", table)
    assert "Relu" in table.read_text()
    ask = asked(files, "--quantise", "none", "--json", "--on", table, "--here", table)
    found = json.loads(mlgolf(*ask).stdout)["elsewhere"]
    assert found["interval"][0] < found["milliseconds"] < found["interval"][1]
    assert found["measured_share"] > 0


def test_a_new_model_is_compared_with_the_old_one_on_requests(mlgolf, files):
    linear(files / "worse.onnx", -WEIGHTS)
    ask = ("--data", files / "data.npz", "--json")
    good, bad = files / "model.onnx", files / "worse.onnx"
    found = json.loads(mlgolf("deploy", good, "--shadow", bad, *ask).stdout)
    assert found["decision"] == "switch"
    assert found["at"] < 60
    worse = json.loads(mlgolf("deploy", bad, "--shadow", good, *ask, expect=1).stdout)
    assert worse["decision"] == "roll back"


def test_a_table_of_requests_is_compared(mlgolf, tmp_path):
    path = tmp_path / "requests.csv"
    path.write_text("old,new\n" + "1,1\n0,0\n" * 20)
    said = mlgolf("deploy", "--requests", path, expect=1).stdout
    assert "Go on comparing" in said
    path.write_text("old,new\n1,2\n")
    assert "from 0 to 1" in mlgolf("deploy", "--requests", path, expect=2).stderr
    path.unlink()
    said = mlgolf("deploy", "--requests", path, expect=2).stderr
    assert said.endswith("requests.csv: No such file or directory\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: (d / "model.onnx").write_text("no model"), "this is no ONNX file"),
        (lambda d: (d / "model.onnx").write_bytes(b""), "this is no ONNX file"),
        (lambda d: np.savez((d / "model.onnx").open("wb"), a=1), "zip archive"),
        (lambda d: (d / "model.onnx").unlink(), "model.onnx: no such file"),
        (lambda d: np.savez(d / "data.npz", y=inputs(), z=inputs()), "the model takes 'x'"),
        (lambda d: np.savez(d / "data.npz", x=inputs()[:, :4]), "the shape (4) of an example"),
        (lambda d: np.savez(d / "data.npz", x=inputs(0)), "found 0 examples"),
        (lambda d: np.savez(d / "reference.npz", logits=np.ones((3, 3))), "3 in the reference"),
        (
            lambda d: np.savez(d / "data.npz", x=inputs(), targets=np.full(60, 7)),
            "data.npz: targets: example 0: found 7",
        ),
        (
            lambda d: [
                np.savez(d / "data.npz", x=inputs() * np.nan),
                np.savez(d / "reference.npz", logits=logits(inputs()) * np.nan),
            ],
            "data.npz: input 'x': example 0: found NaN, and the reference's output is NaN, too",
        ),
        (lambda d: (d / "reference.npz").write_text("text"), "no .npz of plain arrays"),
        (lambda d: np.savez(d / "reference.npz", logits=np.array(["a"])), "allowed are numbers"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_message(mlgolf, files, change, said):
    change(files)
    error = mlgolf(*asked(files), expect=2).stderr
    assert said in error
    assert "Traceback" not in error
    assert error.strip().splitlines()[-1].startswith("mlgolf: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latency_p99 = 3\n", "unknown key 'latency_p99'. Did you mean latency_p99_ms"),
        ("size_mb = -1\n", "size_mb: Input should be greater than 0 (found -1)"),
        ("size_mb = [\n", "no TOML"),
    ],
)
def test_a_wrong_budget_names_its_file_and_key(mlgolf, files, text, said):
    budget = files / "ship.toml"
    budget.write_text(text)
    error = mlgolf(*asked(files, "--budget", budget), expect=2).stderr
    assert "ship.toml" in error
    assert said in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--reference", "r.npz", "--data", "d.npz"), "missing MODEL"),
        (("--profile-device",), "-o laptop.csv"),
        (("new.onnx", "--shadow", "old.onnx"), "data with targets"),
        (("--profile-device", "-o", "table.txt"), "allowed is .csv"),
    ],
)
def test_what_is_missing_is_named(mlgolf, words, said):
    assert said in mlgolf("deploy", *words, expect=2).stderr

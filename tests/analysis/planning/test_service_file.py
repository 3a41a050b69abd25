import dataclasses
import json

import numpy as np
import pytest
from planned import device

from mlgolf.analysis.planning.service_file import read_service
from mlgolf.core.errors import MLGolfError, RunFolderError

GOOD = """
requests = 1e6
prompt_tokens = 10
answer_tokens = 10
[value]
loss = [3.0, 2.0]
dollars = [0, 1]
"""


def test_a_service_is_read_from_a_file(tmp_path):
    (tmp_path / "a.toml").write_text(GOOD)
    service = read_service(tmp_path / "a.toml", {})
    assert service.value(np.array([2.0, 2.5, 3.0, 9.0])) == pytest.approx([1, 0.5, 0, 0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("requests = 1e6", "requests = 0", r"a\.toml: requests: found 0, allowed is a number"),
        ("requests", "request", r"a\.toml: unknown key request\. Known: requests"),
        ("loss = [3.0, 2.0]", "loss = [3.0]", r"a\.toml: value: found .* of the same length"),
        ("dollars = [0, 1]", "dollars = [1, 0]", r"a\.toml: value: found more dollars at a higher"),
        ("[value]", "[value", r"a\.toml: "),
        ("[value]", 'measured = "x"\n[value]', r"a\.toml: measured: found 'x', allowed are tables"),
        ("[value]", "bandwidth_utilisation = 2\n[value]", r"found 2, allowed is above 0, at most"),
        ("[value]", "cache_bytes_per_token = 0\n[value]", r"cache_bytes_per_token: found 0"),
    ],
)
def test_a_service_that_cannot_be_is_refused_by_key(tmp_path, old, new, message):
    (tmp_path / "a.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(RunFolderError, match=message):
        read_service(tmp_path / "a.toml", {})


MEASURED = """
[[measured]]
device = "fast"
deploy = "deploy.json"
params = 1e8
tokens = 500
"""


def measured(tmp_path, p50_ms, toml=MEASURED):
    (tmp_path / "a.toml").write_text(GOOD + toml)
    (tmp_path / "deploy.json").write_text(json.dumps({"latency": {"p50_ms": p50_ms}}))
    return read_service(tmp_path / "a.toml", {"fast": device()})


def test_a_measured_latency_gives_the_share_of_the_peak(tmp_path):
    service = measured(tmp_path, 1.0)  # 2 N tokens = 1e11 FLOP in 1 ms, of 1e15 FLOP/s
    assert service.measured_utilisation == pytest.approx({"fast": 0.1})


@pytest.mark.parametrize(
    ("p50_ms", "old", "new", "message"),
    [
        (0.01, "", "", r"says that fast reached 10 of its peak"),
        (1.0, '"fast"', '"faster"', "unknown device of .*measured 'faster'"),
        (1.0, "tokens = 500", "", "tokens: found nothing"),
        (1.0, "deploy.json", "none.json", "none.json: No such file"),
        ("a", "", "", "has no latency. Make it by mlgolf deploy --json"),
    ],
)
def test_a_measurement_that_cannot_be_is_refused(tmp_path, p50_ms, old, new, message):
    with pytest.raises(MLGolfError, match=message):
        measured(tmp_path, p50_ms, MEASURED.replace(old, new))


def test_a_measurement_of_a_device_without_a_peak_in_16_bits_is_refused(tmp_path):
    measured(tmp_path, 1.0)
    slow = {"fast": dataclasses.replace(device(), bf16=0.0)}
    with pytest.raises(MLGolfError, match=r"measured: fast has no peak in 16 bits"):
        read_service(tmp_path / "a.toml", slow)

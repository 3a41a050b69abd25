"""The scripted target-setting procedure, on the one-second workload."""

import json
from pathlib import Path

LINEAR = Path(__file__).with_name("linear.toml")


def test_a_target_is_the_median_that_the_best_point_reaches(mlgolf, mlgolf_process, tmp_path):
    arguments = [
        "targets", "set", "linear", "--competition", LINEAR, "--algorithm", "nesterov",
        "--trials", 2, "--seeds", 3, "--out", tmp_path / "targets",
    ]
    (found,) = json.loads(mlgolf_process(*arguments, "--json").stdout)["targets"]
    assert found["target"] == sorted(found["reached"])[1]
    assert len(set(found["reached"])) == 3  # other seeds, other values
    assert 0.0 < found["target"] < 0.1
    assert "best of 2 points of nesterov (seed 0) after 1500 of 2000 steps" in found["provenance"]

    again = mlgolf(*arguments).stdout  # the runs are there: nothing is trained again
    assert f"target = {found['target']:.6g}" in again

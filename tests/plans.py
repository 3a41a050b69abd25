"""A plan of the one-second competition, for tests that play no process."""

from pathlib import Path

from mlgolf.core.competition import load_competition
from mlgolf.core.plan import TrialPlan
from mlgolf.core.trial_key import TrialKey

LINEAR = Path(__file__).parent / "end_to_end" / "linear.toml"


def plan(**changes) -> TrialPlan:
    competition = load_competition(LINEAR)
    key = TrialKey(submission="s", framework="torch", workload="linear", study=0, trial=1)
    fields = {
        "key": key, "submission_file": Path("s.py"), "run_folder": Path("r"),
        "submission_sha256": "0", "package_sha256": "0",
        "rules": competition.rules, "workload_rules": competition.workloads["linear"],
        "workload": "linear", "size": "mini", "ruleset": "external", "contract": "submission",
        "hyperparameters": {}, "seed": 1, "data_folder": Path("data"),
        "data_dir": Path("data"), "held_out": "practice", "calibration": None,
        "data_sha256": "0", "sandbox": "process", "folder": Path("trial"),
    }
    return TrialPlan(**fields | changes)

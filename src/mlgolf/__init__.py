"""ML Golf: measures, and runs competitions in, training efficiency.

    run = mlgolf.run("nadamw", workloads=["criteo1tb"], trials=1)
    run.score()
    run.report()

What stands in `__all__` is imported when it is first used, so that `import mlgolf` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlgolf.api.ablations import AblationResult, ablate
    from mlgolf.api.bundles import bundle, verify
    from mlgolf.api.curves import TradeOff, curve
    from mlgolf.api.deployment import Deployment, deploy
    from mlgolf.api.diagnosis import StepDiagnosis, diagnose, diagnose_script
    from mlgolf.api.observing import StepWatch, observe
    from mlgolf.api.planning import BudgetPlan, plan
    from mlgolf.api.playing import find_targets, play_trial, replay, run
    from mlgolf.api.progression import Progression, progress
    from mlgolf.api.results import Board, Run, open_run, score, write_report
    from mlgolf.api.scaling import FittedLaw, IsoFlopFit, fit
    from mlgolf.api.tracking import (
        RunList,
        compare_runs,
        export_runs,
        import_runs,
        list_runs,
        show_run,
    )
    from mlgolf.api.triage import triage_code
    from mlgolf.api.tuning import Tuning, tuning_curves
    from mlgolf.api.verified import Verification
    from mlgolf.core.errors import MLGolfError

__version__ = "0.1.0"
__all__ = [
    "AblationResult", "Board", "BudgetPlan", "Deployment", "FittedLaw", "IsoFlopFit",
    "MLGolfError", "Progression", "Run", "RunList", "StepDiagnosis", "StepWatch", "TradeOff",
    "Tuning", "Verification", "ablate", "bundle", "compare_runs", "curve", "deploy", "diagnose",
    "diagnose_script", "export_runs", "find_targets", "fit", "import_runs", "list_runs",
    "observe", "open_run", "plan", "play_trial", "progress", "replay", "run", "score",
    "show_run", "triage_code", "tuning_curves", "verify", "write_report",
]

_HOMES = {
    "mlgolf.api.ablations": ("AblationResult", "ablate"),
    "mlgolf.api.bundles": ("bundle", "verify"),
    "mlgolf.api.curves": ("TradeOff", "curve"),
    "mlgolf.api.deployment": ("Deployment", "deploy"),
    "mlgolf.api.diagnosis": ("StepDiagnosis", "diagnose", "diagnose_script"),
    "mlgolf.api.observing": ("StepWatch", "observe"),
    "mlgolf.api.planning": ("BudgetPlan", "plan"),
    "mlgolf.api.playing": ("find_targets", "play_trial", "replay", "run"),
    "mlgolf.api.progression": ("Progression", "progress"),
    "mlgolf.api.results": ("Board", "Run", "open_run", "score", "write_report"),
    "mlgolf.api.scaling": ("FittedLaw", "IsoFlopFit", "fit"),
    "mlgolf.api.tracking": (
        "RunList", "compare_runs", "export_runs", "import_runs", "list_runs", "show_run",
    ),
    "mlgolf.api.triage": ("triage_code",),
    "mlgolf.api.tuning": ("Tuning", "tuning_curves"),
    "mlgolf.api.verified": ("Verification",),
    "mlgolf.core.errors": ("MLGolfError",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'mlgolf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

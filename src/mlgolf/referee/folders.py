"""Text that a player sent, without the folders of the machine it ran on."""

import re
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import mlgolf
from mlgolf.core.plan import TrialPlan


def without_folders(text: str, plan: TrialPlan) -> str:
    """The text with `<run>`, `<mlgolf>` and the like in place of what lies where on this machine.

    A traceback says as much, and reads the same wherever the trial is played.
    """
    names = _names(plan)
    # The innermost first; not inside a longer name.
    paths = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![\w./~-])(?:{paths})(?![\w-])", lambda found: names[found[0]], text)


def _names(plan: TrialPlan) -> Mapping[str, str]:
    places = {
        plan.run_folder: "<run>",
        plan.data_dir: "<data>",
        Path(mlgolf.__file__).parent: "<mlgolf>",
        Path(sysconfig.get_path("stdlib")): "<stdlib>",
        Path(sys.prefix): "<python>",
    }
    return {str(path): name for path, name in places.items() if path.is_absolute()}

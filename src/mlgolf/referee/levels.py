"""Which levels of isolation this machine gives, tried for real, and what to do without one.

`process` is for one's own code: it keeps trials apart and counts their time. `bubblewrap` is for
other people's. It never turns into a weaker one in silence.
"""

import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlgolf.core.errors import SandboxError
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import ENDED_EARLY, HeldProcess

if TYPE_CHECKING:  # it needs more than the standard library
    from mlgolf.core.records import SandboxLevel

_PATIENCE_SECONDS = 120.0  # a busy machine is no reason for a weaker level
# Settings that forbid user namespaces to ordinary users: file, value that forbids, remedy.
_SETTINGS = (
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns", "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or profiles that allow it,",
    ),
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
)  # fmt: skip


@cache
def bubblewrap_problem() -> str:
    """Why this machine does not give the level `bubblewrap`, and a remedy; "" if it does."""
    argv = [sys.executable, "-I", "-S", "-c", ""]
    order = Order(argv=argv, see=[Path(sys.prefix), Path(sys.base_prefix)], walls=True)
    with tempfile.TemporaryFile() as complaints:
        try:
            held = HeldProcess(order, output=complaints.fileno())
        except OSError as error:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            why = said[-1] if said and str(error) == ENDED_EARLY else str(error)
            return "; ".join([why, *remedies(why)])
    try:
        held.start()
        ended = held.wait(_PATIENCE_SECONDS)
    finally:
        held.stop()
    return "" if ended == 0 else f"a program that does nothing ended with {ended} there"


def remedies(why: str) -> list[str]:
    """For what bubblewrap said, and what an administrator has set here."""
    masked = "parts of /proc are masked, as in most containers: use a virtual machine"
    return [masked] * ("mount proc" in why) + [
        f"{file.replace('/', '.')} is {value} here: {remedy} (as root) changes it"
        for file, value, remedy in _SETTINGS if setting(file) == value
    ]  # fmt: skip


def setting(name: str) -> str:
    """Of the kernel; "" if it has none of this name."""
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def default_level() -> "SandboxLevel":
    """The strongest that this machine gives."""
    return "process" if bubblewrap_problem() else "bubblewrap"


def check_level(level: "SandboxLevel") -> None:
    """Raises: SandboxError for one that this machine does not give."""
    if level == "bubblewrap" and (problem := bubblewrap_problem()):
        raise SandboxError(
            f"the sandbox level bubblewrap is not to be had on this machine: {problem}. "
            "`mlgolf sandbox check` says more. For your own code there is --sandbox process."
        )

"""Which mlgolf judges: a site and its workers have the same code, or boards would mix referees."""

from mlgolf import __version__
from mlgolf.referee.freeze import package_fingerprint


def version_here() -> str:
    """Of the files as they are now: a run is played by what is there when it begins."""
    return f"{__version__} ({package_fingerprint()[:12]})"


def another_version(theirs: str) -> str:
    """Why a worker is given no job here; empty if it has the same code."""
    here = version_here()
    if theirs == here:
        return ""
    return (
        f"it is of another version: it has mlgolf {theirs}, this site {here}; install mlgolf "
        f"{__version__} from where the site has it, or the same commit, and start the worker anew"
    )

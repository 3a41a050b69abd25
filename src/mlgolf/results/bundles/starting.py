"""The line of a ledger that says: this run begins, with this code, these rules and this seed."""

from mlgolf.core.errors import BundleError
from mlgolf.core.records import FreshDraw
from mlgolf.results.bundles.contents import run_id
from mlgolf.results.bundles.ledger import Heads, Ledger
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import HEADER


def write_start(ledger: Ledger, run: RunFolder) -> None:
    """Add the line, unless it is there: the run is continued.

    Raises: BundleError for a run with trials that were played before anything was said of it.
    """
    record, name = run.record, run_id(run.path)
    with ledger.at_its_end() as end:
        if end.heads.started(name) is not None:
            return
        if any((folder / HEADER).exists() for folder in run.trial_folders()):
            raise BundleError(
                f"{run.path} was begun without the ledger in {ledger.folder}, which cannot say "
                "afterwards when that was. Continue it without --ledger (and without "
                "$MLGOLF_LEDGER), or start another run"
            )
        _check_that_it_is_unused(record.fresh, end.heads, ledger)
        end.append("started", {
            "run": name,
            "competition": run.competition.name,
            "rules_sha256": run.competition.fingerprint(),
            "submissions": {n: submission.sha256 for n, submission in record.submissions.items()},
            "package_sha256": record.package_sha256,
            **({} if record.fresh is None else {"committed": record.fresh.line}),
        })  # fmt: skip


def _check_that_it_is_unused(fresh: FreshDraw | None, heads: Heads, ledger: Ledger) -> None:
    """Raises: BundleError if another run has taken the commitment in the meantime."""
    used = [line.body.get("committed") for line in heads.lines if line.kind == "started"]
    if fresh is not None and fresh.line in used:
        raise BundleError(
            f"line {fresh.line} of the ledger in {ledger.folder} is the commitment of another run. "
            "Start this one once more"
        )

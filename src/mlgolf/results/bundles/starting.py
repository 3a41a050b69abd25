"""The line of a ledger that says: this run begins, with this code, these rules and this seed."""

from mlgolf.core.errors import BundleError
from mlgolf.results.bundles.contents import run_id
from mlgolf.results.bundles.ledger import Ledger
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
        end.append("started", {
            "run": name,
            "competition": run.competition.name,
            "rules_sha256": run.competition.fingerprint(),
            "submissions": {n: submission.sha256 for n, submission in record.submissions.items()},
            "package_sha256": record.package_sha256,
        })  # fmt: skip

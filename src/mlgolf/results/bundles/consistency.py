"""Whether the files of a bundle say the same of one run, as an honest host's do.

A seal says only that nothing was changed since. Here what was sealed is compared with itself: the
manifest with the records, the code with its hash, the shown draw with the hash that was recorded
before it was shown.
"""

from collections.abc import Iterator

from mlgolf.core.errors import MLGolfError
from mlgolf.data import held_out
from mlgolf.results.bundles.contents import Manifest, manifest_of
from mlgolf.results.files import read_json
from mlgolf.results.frozen_code import folder_digest
from mlgolf.results.run_folder import FILE, SHOWN, RunFolder
from mlgolf.results.trial_folder import HEADER


def contradictions(run: RunFolder, manifest: Manifest) -> list[str]:
    """Sentences that name files; none for a run as mlgolf plays and bundles it."""
    try:
        return [*_of_code(run), *_of_the_draw(run), *_of_trials(run), *_of_manifest(run, manifest)]
    except MLGolfError as error:
        return [str(error)]


def _of_code(run: RunFolder) -> Iterator[str]:
    for name, submission in run.record.submissions.items():
        found = folder_digest(run.code_path(name))
        if found != submission.sha256:
            yield (
                f"the code of {name} has SHA-256 {found[:12]}…, {FILE} says "
                f"{submission.sha256[:12]}…"
            )


def _of_the_draw(run: RunFolder) -> Iterator[str]:
    drawn, shown = run.record.held_out, run.path / SHOWN
    if drawn is None or not shown.exists():
        return
    fields = read_json(shown)
    try:
        found = held_out.digest(int(fields["draw"], 16))
    except (KeyError, TypeError, ValueError):
        yield f"{SHOWN} holds no draw as mlgolf writes it"
        return
    if found != drawn.sha256:
        yield f"the draw in {SHOWN} is not the one whose hash {FILE} has"


def _of_trials(run: RunFolder) -> Iterator[str]:
    for trial in run.trials():
        key = trial.key
        if key.submission not in run.record.submissions:
            yield f"{key}: {FILE} knows no submission {key.submission!r}"
        elif trial.facts.submission_sha256 != run.record.submissions[key.submission].sha256:
            yield f"{key}: it was played with other code than {FILE} says"
        if key.workload not in run.competition.workloads:
            yield f"{key}: {FILE} knows no workload {key.workload!r}"
        elif trial.facts.data_sha256 != run.record.data.get(key.workload, ""):
            yield f"{key}: it was played on other data than {FILE} says"
        if not (run.trial_path(key) / HEADER).is_file():
            yield f"{key}: it lies in the folder of another trial"


def _of_manifest(run: RunFolder, manifest: Manifest) -> Iterator[str]:
    found = manifest_of(
        run, manifest.files, number=manifest.number, previous=manifest.previous
    )
    for name in ("run", "environment"):
        if getattr(found, name) != getattr(manifest, name):
            yield f"{name} in the manifest is not what the records say"
    for name, value in found.facts:
        if value != getattr(manifest.facts, name):
            yield f"facts.{name} in the manifest is not what the records say"

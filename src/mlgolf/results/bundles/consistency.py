"""Whether the files of a bundle say the same of one run, as an honest host's do.

A seal says only that nothing was changed since. Here what was sealed is compared with itself: the
manifest with the records, the code with its hash, seeds with those that they follow from, the shown
draw with the hash that was recorded before it was shown.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from mlgolf.core.disturbance import disturbance
from mlgolf.core.errors import MLGolfError
from mlgolf.core.records import FreshDraw, TrialHeader
from mlgolf.core.seeds import trial_seed
from mlgolf.core.trial import Trial
from mlgolf.data import held_out
from mlgolf.results.bundles.contents import Manifest, manifest_of
from mlgolf.results.bundles.fresh_draws import derived, hash_of
from mlgolf.results.files import read_json
from mlgolf.results.frozen_code import folder_digest
from mlgolf.results.record_files import read_record
from mlgolf.results.run_folder import FILE, SHOWN, RunFolder
from mlgolf.results.trial_folder import HEADER, attempts, read_verdict


def contradictions(run: RunFolder, manifest: Manifest) -> list[str]:
    """Sentences that name files; none for a run as mlgolf plays and bundles it."""
    try:
        return [*_of_code(run), *_of_the_draw(run), *_of_trials(run), *_of_manifest(run, manifest)]
    except MLGolfError as error:
        return [str(error)]


def _of_code(run: RunFolder) -> Iterator[str]:
    for name, submission in run.record.submissions.items():
        if not (_is_one_name(name) and _is_one_name(submission.module)):
            yield f"{FILE} has a submission or a module whose name is a path: {name!r}"
            continue
        found = folder_digest(run.code_path(name))
        if found != submission.sha256:
            yield (
                f"the code of {name} has SHA-256 {found[:12]}…, {FILE} says "
                f"{submission.sha256[:12]}…"
            )


def _is_one_name(name: str) -> bool:
    """Whether a name leads to nowhere else, as a part of a path."""
    return name.isprintable() and name not in ("", "..") and name == PurePosixPath(name).name


def _of_the_draw(run: RunFolder) -> Iterator[str]:
    drawn, shown = run.record.held_out, run.path / SHOWN
    if drawn is None:
        return
    if drawn.run and (run.competition.rules.draws == "fresh") != (run.record.fresh is not None):
        yield f"{FILE} has draws that are not what its rules say of draws"
    if not shown.exists():
        return
    fields = read_json(shown)
    try:
        found = held_out.digest(int(fields["draw"], 16))
    except (KeyError, TypeError, ValueError):
        yield f"{SHOWN} holds no draw as mlgolf writes it"
        return
    if found != drawn.sha256:
        yield f"the draw in {SHOWN} is not the one whose hash {FILE} has"
    if (fresh := run.record.fresh) is not None:
        yield from _of_fresh_draws(run, fresh, fields)


def _of_fresh_draws(
    run: RunFolder, fresh: FreshDraw, shown: Mapping[str, object]
) -> Iterator[str]:
    """Seed and draw follow from all code and the value, and the value is the one committed to."""
    value = shown.get("value")
    if not isinstance(value, str) or not value.isprintable():
        yield f"{SHOWN} does not show the value that seed and draw came from"
        return
    hashes = {name: submission.sha256 for name, submission in run.record.submissions.items()}
    seed, draw = derived(value, hashes)
    if fresh.value_sha256 and hash_of(value) != fresh.value_sha256:
        yield f"the value in {SHOWN} is not the one whose hash {FILE} has"
    if seed != run.record.seed:
        yield f"the seed in {FILE} does not follow from all code and the value in {SHOWN}"
    if f"{draw:x}" != shown.get("draw"):
        yield f"the draw in {SHOWN} does not follow from all code and the value beside it"


def _of_trials(run: RunFolder) -> Iterator[str]:
    record = run.record
    for folder in run.trial_folders():
        if not (folder / HEADER).exists():
            continue
        trial = run.trial_at(folder)
        key, place = trial.key, folder.relative_to(run.path).as_posix()
        if str(key) != place:
            yield f"{key}: it lies in the folder of another trial, {place}"
        if key.submission not in record.submissions:
            yield f"{key}: {FILE} knows no submission {key.submission!r}"
        elif trial.facts.submission_sha256 != record.submissions[key.submission].sha256:
            yield f"{key}: it was played with other code than {FILE} says"
        if key.workload not in run.competition.workloads:
            yield f"{key}: {FILE} knows no workload {key.workload!r}"
        elif trial.facts.data_sha256 != record.data.get(key.workload, ""):
            yield f"{key}: it was played on other data than {FILE} says"
        if min(record.seed or 0, key.study, key.trial) < 0 or trial.seed != trial_seed(
            record.seed or 0, key.workload, key.study, key.trial
        ):
            yield f"{key}: its seed does not follow from that of the run"
        yield from _of_attempts(run, folder, trial)


def _of_attempts(run: RunFolder, folder: Path, trial: Trial) -> Iterator[str]:
    """Which attempt counts follows from what was measured around each, and from the rules."""
    rules, key = run.competition.rules, trial.key
    alone, repeated = run.record.timing == "alone" and not trial.unofficial, 0
    for path in (*attempts(folder), folder):
        verdict = read_verdict(path)
        if verdict is None:
            continue
        which = f"{key}, {path.name}" if path != folder else str(key)
        around, header = verdict.background, read_record(path / HEADER, TrialHeader)
        disturbed = around is not None and bool(
            disturbance(around, header.calibration, rules.disturbed_above)
        )
        if disturbed != bool(verdict.disturbed):
            yield f"{which}: whether it was disturbed does not follow from what was measured"
        if alone and around is not None and around.beside_trials:
            yield f"{which}: it says that it was played beside others, {FILE} does not"
        again = disturbed and verdict.status.is_final and repeated < rules.repeat_disturbed
        if (verdict.to_repeat, verdict.repeated) != (again, repeated):
            yield f"{which}: whether it is played again does not follow from the rules"
        if verdict.status.is_final and not again and path != folder:
            yield f"{which}: it had ended, and was set aside all the same"
        repeated += again


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

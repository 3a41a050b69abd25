"""Runs as single files that a third party can check: bundle, verify, and the ledger of a host."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.api.verified import Verification, Verified, VerifiedLedger
from mlgolf.core.competition import load_competition
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import BundleError, RulesError
from mlgolf.core.jury_ruling import FOLDER, rulings_of
from mlgolf.core.text import number_of, several
from mlgolf.experiments.verification import TOLERANCE, Repetition, drawn_trials, other_points
from mlgolf.referee.freeze import find_submission, fingerprint, package_fingerprint
from mlgolf.referee.levels import default_level
from mlgolf.results.bundles.contents import Manifest
from mlgolf.results.bundles.fresh_draws import commit
from mlgolf.results.bundles.in_ledger import find_line
from mlgolf.results.bundles.ledger import Head, Heads, Ledger, new_ledger, read_heads
from mlgolf.results.bundles.reading import (
    ENDING,
    Bundle,
    check_bundle,
    self_contradictions,
    unpacked,
)
from mlgolf.results.bundles.ruled import add_rulings, contradictions, rulings_on
from mlgolf.results.bundles.signatures import known_keys
from mlgolf.results.bundles.writing import Bundled, write_bundle
from mlgolf.results.run_folder import RunFolder

if TYPE_CHECKING:
    from mlgolf.api.results import AnyPath


@disk_errors_told()
def bundle(
    run: "AnyPath", output: "AnyPath | None" = None, *, ledger: "AnyPath | None" = None
) -> Bundled:
    """Write a run as one file.

    Args:
      output: the file; None for RUN.mlgolf.zip beside the run.
      ledger: the folder of a host's ledger, whose key signs it; None: unsigned.
    Raises: MLGolfError for what is no run, is being played, or lies there already.
    """
    path = Path(run)
    file = path.resolve().with_name(f"{path.resolve().name}{ENDING}")
    return write_bundle(
        path, file if output is None else Path(output),
        None if ledger is None else Ledger(Path(ledger)),
    )


@disk_errors_told()
def make_ledger(folder: "AnyPath") -> Ledger:
    """A host's key and an empty ledger. Raises: BundleError if there is one."""
    return new_ledger(Path(folder))


@disk_errors_told()
def open_ledger(path: "AnyPath") -> Heads:
    """The lines of a ledger: a folder, or a published heads.jsonl. Raises: BundleError."""
    return read_heads(Path(path))


@disk_errors_told()
def commit_draws(
    ledger: "AnyPath", submissions: Sequence["AnyPath"] = (), *, public: str = "",
    framework: str = "torch",
) -> Head:
    """Commit to the value from which a run to come is drawn, where rules say draws = "fresh".

    Args:
      submissions: those that will be played, by name or path; none: any.
      public: where a public value will stand, and when; empty: a secret one is drawn.
    Raises: BundleError for a public value without submissions.
    """
    sources = [find_submission(str(text), framework) for text in submissions]
    hashes = {source.name: fingerprint(source) for source in sources}
    return commit(Ledger(Path(ledger)), hashes, public)


@disk_errors_told()
def record_rulings(ledger: "AnyPath", competition: "AnyPath") -> list[Head]:
    """Add a line to a host's ledger for each ruling of a competition that has none yet.

    Args: competition: its folder, or the name of one that ships.
    Raises: RulesError for one without rulings, BundleError for rulings that were changed.
    """
    rules = load_competition(str(competition))
    rulings = rulings_of(rules)
    if not rulings:
        raise RulesError(
            f"{competition}: found no ruling. Each is a .toml file in {FOLDER}/ of its folder"
        )
    return add_rulings(Ledger(Path(ledger)), rules.name, rulings)


@disk_errors_told()
def verify(
    *files: "AnyPath", known: "AnyPath | None" = None, any_key: bool = False,
    ledger: "AnyPath | None" = None, replay: int = 0, seed: int | None = None,
    tolerance: float = TOLERANCE, competition: "AnyPath | None" = None,
    data_dir: "AnyPath | None" = None, progress: bool = True,
) -> Verification:
    """Check bundles to the byte, their signatures, a ledger, and repeat some of their trials.

    Nothing is fetched. A replay runs the code of the submissions, at the strongest sandbox level
    that this machine gives.

    Args:
      known: a TOML file of public keys with their names, or one key itself: each bundle must be
        signed by one.
      any_key: accept also what is unsigned, or signed by a key that is not known.
      ledger: the heads.jsonl of the host: each bundle must have its line there.
      replay: repeat so many trials of each bundle, drawn at random.
      seed: draws the trials; None: a new one.
      tolerance: relative, of values, where the processor or the software is of another kind.
      competition: its folder, for data that are drawn from its files; with a ledger its rulings
        must be those of the ledger.
      data_dir, progress: as of `mlgolf.replay`.
    Raises: BundleError for a file that is no bundle, no ledger, or no keys.
    """
    if not files and ledger is None:
        raise BundleError("nothing was given. Give a bundle, or a ledger")
    if replay < 0 or not 0 <= tolerance < 1:
        raise RulesError(
            f"replay: found {replay}, allowed is 0 or more; tolerance: found {tolerance}, allowed "
            "is from 0 to below 1"
        )
    names = {} if known is None else known_keys(fspath(known))
    heads = None if ledger is None else open_ledger(ledger)
    found = []
    for file in files:
        checked = replace(_checked(Path(file), names, heads), any_key=any_key)
        if replay and checked.is_valid:
            drawn_by = secrets.randbits(32) if seed is None else seed
            repetitions = _repetitions(
                checked.bundle, replay, drawn_by, tolerance,
                competition=competition, data_dir=data_dir, progress=progress,
            )
            checked = replace(
                checked, seed=drawn_by, repetitions=repetitions, sandbox=default_level()
            )
        elif replay and not checked.problems:
            checked = replace(checked, notes=(*checked.notes, "no trial was repeated"))
        found.append(checked)
    whole = None
    if heads is not None and ledger is not None:
        whole = VerifiedLedger(
            path=Path(ledger), heads=heads, name=names.get(heads.key, ""), any_key=any_key,
            contradictions=() if competition is None else _on_rulings(competition, heads),
        )
    return Verification(bundles=tuple(found), ledger=whole)


def _on_rulings(competition: "AnyPath", heads: Heads) -> tuple[str, ...]:
    rules = load_competition(str(competition))
    return tuple(contradictions(heads, rules.name, rulings_of(rules)))


def _checked(path: Path, names: Mapping[str, str], heads: Heads | None) -> Verified:
    bundle = check_bundle(path)
    if bundle.problem or bundle.seal is None:
        return Verified(bundle=bundle, signer="", problems=(bundle.problem,))
    problems, key = self_contradictions(bundle), bundle.seal.key
    notes = []
    if not problems:
        with unpacked(bundle) as folder:
            run = RunFolder(folder)
            problems = other_points(run)
            if run.competition.rules.regulariser is not None:
                notes.append(
                    "its rules bring a measure along, regulariser in run.json, which --replay runs "
                    "outside of the sandbox: read it first"
                )
    name = names.get(key or "", "")
    signer = "unsigned" if key is None else "known" if name else "unknown"
    assert bundle.manifest is not None
    notes += _played_with(bundle.manifest)
    if heads is not None and not problems:
        line = find_line(bundle, heads)
        problems = [*filter(None, [line.problem])]
        notes += [*filter(None, [line.note])]
        notes += rulings_on(bundle.manifest.facts, heads)
    return Verified(
        bundle=bundle, signer=signer, name=name, problems=tuple(problems), notes=tuple(notes)
    )


def _played_with(manifest: Manifest) -> Iterator[str]:
    """What played the run, and whether it is what would repeat its trials here."""
    package = manifest.facts.package_sha256
    here = ", as here" if package == package_fingerprint() else "; the code here is other"
    for found in manifest.environment:
        versions = several((f"{name} {text}" for name, text in found.versions.items()), most=6)
        yield (
            f"{number_of(found.trials, 'trial')} played on {found.machine.get('processor')} with "
            f"{versions}, and mlgolf {found.mlgolf}"
            + (f" (code {package[:12]}…{here})" if package else "")
        )


def _repetitions(
    bundle: Bundle, count: int, seed: int, tolerance: float, **options: Any
) -> tuple[Repetition, ...]:
    from mlgolf.api.playing import replay as replay_trial  # nothing else here takes seconds

    with unpacked(bundle) as path:
        return tuple(
            Repetition(replay=replay_trial(trial, **options), tolerance=tolerance)
            for trial in drawn_trials(RunFolder(path), count, seed)
        )

"""Runs as single files that a third party can check: bundle, verify, and the ledger of a host."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import BundleError, RulesError
from mlgolf.core.text import enumerated, number_of, several
from mlgolf.experiments.verification import TOLERANCE, Repetition, drawn_trials
from mlgolf.results.bundles.contents import Facts
from mlgolf.results.bundles.ledger import Head, Heads, Ledger, new_ledger, read_heads
from mlgolf.results.bundles.reading import (
    Bundle,
    check_bundle,
    self_contradictions,
    unpacked,
)
from mlgolf.results.bundles.signatures import known_keys
from mlgolf.results.bundles.writing import Bundled, write_bundle
from mlgolf.results.run_folder import RunFolder

if TYPE_CHECKING:
    from mlgolf.api.results import AnyPath

ENDING = ".mlgolf.zip"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found of one bundle."""

    bundle: Bundle
    signer: str  # "unsigned", "unknown" or "known"
    name: str = ""  # of the known key
    problems: tuple[str, ...] = ()  # sentences; none: it is valid
    seed: int | None = None  # by which the trials that were repeated were drawn
    repetitions: tuple[Repetition, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader should know though it makes nothing invalid

    @property
    def is_valid(self) -> bool:
        return not self.problems and all(found.confirmed for found in self.repetitions)

    @property
    def facts(self) -> Facts | None:
        return self.bundle.manifest and self.bundle.manifest.facts

    def lines(self) -> list[str]:
        path = self.bundle.path
        if self.problems:
            first, *others = self.problems
            return [f"{path}: NOT valid: {first}", *(f"  {problem}" for problem in others)]
        lines = [f"{path}: {'valid' if self.is_valid else 'NOT confirmed'}, {self._signed()}"]
        lines += [f"  {said}" for said in (*self._about(), *self.notes)]
        if self.repetitions:
            count = number_of(len(self.repetitions), "trial")
            lines.append(f"  {count} repeated, drawn by --seed {self.seed}:")
            lines += [f"  {found.text()}" for found in self.repetitions]
        return lines

    def _signed(self) -> str:
        assert self.bundle.seal is not None
        match self.signer:
            case "unsigned":
                return "unsigned: nobody vouches for it"
            case "known":
                return f"signed by {self.name}"
        return f"signed by an unknown key, {self.bundle.seal.key}"

    def _about(self) -> list[str]:
        facts = self.facts
        assert facts is not None
        begun = f", begun {facts.begun:%Y-%m-%d %H:%M} UTC" if facts.begun else ""
        lines = [
            f"{facts.competition}, {number_of(facts.trials, 'trial')} of "
            f"{several(facts.submissions)}{begun}; rules {facts.rules_sha256[:12]}…"
        ]
        if facts.unofficial:
            lines.append(f"unofficial: {facts.unofficial}")
        if facts.unfinished:
            lines.append(f"{number_of(facts.unfinished, 'trial')} begun and not ended")
        if facts.missing:
            lines.append(f"{number_of(facts.missing, 'trial')} that the run asks for not there")
        return lines

    def as_json(self) -> dict[str, Any]:
        seal, manifest = self.bundle.seal, self.bundle.manifest
        return {
            "file": str(self.bundle.path),
            "valid": self.is_valid,
            "signer": self.signer,
            "name": self.name,
            "key": seal and seal.key,
            "merkle_root": seal and seal.merkle_root,
            "sha256": seal and seal.sha256,
            "run": manifest and manifest.run,
            "number": manifest and manifest.number,
            "facts": manifest and manifest.facts.model_dump(mode="json"),
            "problems": list(self.problems),
            "notes": list(self.notes),
            "seed": self.seed,
            "replays": [found.as_json() for found in self.repetitions],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLedger:
    """What was found of a ledger."""

    path: Path
    heads: Heads
    name: str = ""  # of its key, where that is known

    @property
    def is_valid(self) -> bool:
        return not self.heads.problem

    def lines(self) -> list[str]:
        heads, gaps = self.heads, self.heads.gaps()
        if heads.problem:
            return [f"{self.path}: NOT valid: {heads.problem}"]
        whose = self.name or f"the key {heads.key}"
        lines = [f"{self.path}: valid, {number_of(len(heads.lines), 'line')} by {whose}"]
        if heads.is_torn:
            lines.append(
                "  its last line is cut short and does not count: the host was stopped while it "
                "was written, or the file was"
            )
        if gaps:
            lines.append(f"  {number_of(len(gaps), 'run')} started and not bundled:")
            lines += [f"    {in_words(head)}" for head in gaps]
        return lines

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.path), "valid": self.is_valid, "key": self.heads.key,
            "name": self.name, "lines": len(self.heads.lines), "problem": self.heads.problem,
            "torn": self.heads.is_torn,
            "gaps": [
                {"number": head.number, "time": head.time, **head.body}
                for head in self.heads.gaps()
            ],
        }


def in_words(head: Head) -> str:
    """A line of a ledger, for a person."""
    run, submissions = head.body.get("run"), head.body.get("submissions")
    what = f" {head.body.get('competition')}" if "competition" in head.body else ""
    whose = f", {several(submissions)}" if isinstance(submissions, Mapping) else ""
    name = f" run {str(run)[:12]}…" if run else ""
    return f"{head.number} {head.time} {head.kind}{name}{what}{whose}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What `verify` found of everything that it was given."""

    bundles: tuple[Verified, ...]
    ledger: VerifiedLedger | None = None

    @property
    def is_valid(self) -> bool:
        return all(found.is_valid for found in self.bundles) and (
            self.ledger is None or self.ledger.is_valid
        )

    def text(self) -> str:
        found = [*self.bundles, *([self.ledger] if self.ledger else [])]
        lines = [line for one in found for line in one.lines()]
        # What a bundle says of itself never begins a line, so it cannot pass for a finding.
        return "\n".join(line.replace("\n", "\n      ") for line in lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": self.is_valid,
            "bundles": [found.as_json() for found in self.bundles],
            "ledger": self.ledger and self.ledger.as_json(),
        }


@disk_errors_told()
def verify(
    *files: "AnyPath", known: "AnyPath | None" = None, ledger: "AnyPath | None" = None,
    replay: int = 0, seed: int | None = None, tolerance: float = TOLERANCE,
    competition: "AnyPath | None" = None, data_dir: "AnyPath | None" = None,
    progress: bool = True,
) -> Verification:
    """Check bundles to the byte, their signatures, a ledger, and repeat some of their trials.

    Nothing is fetched. A replay runs the code of the submissions, in the sandbox `process`.

    Args:
      known: a TOML file of public keys with their names: each bundle must be signed by one.
      ledger: the heads.jsonl of the host: each bundle must have its line there.
      replay: repeat so many trials of each bundle, drawn at random.
      seed: draws the trials; None: a new one.
      tolerance: relative, of values, where the processor or the software is of another kind.
      competition, data_dir, progress: as of `mlgolf.replay`.
    Raises: BundleError for a file that is no bundle, no ledger, or no keys.
    """
    if not files and ledger is None:
        raise BundleError("nothing was given. Give a bundle, or a ledger")
    if replay < 0 or not 0 <= tolerance < 1:
        raise RulesError(
            f"replay: found {replay}, allowed is 0 or more; tolerance: found {tolerance}, allowed "
            "is from 0 to below 1"
        )
    names = None if known is None else known_keys(Path(known))
    heads = None if ledger is None else open_ledger(ledger)
    found = []
    for file in files:
        checked = _with_its_line(_checked(Path(file), names), heads)
        if replay and not checked.problems:
            drawn_by = secrets.randbits(32) if seed is None else seed
            repetitions = _repetitions(
                checked.bundle, replay, drawn_by, tolerance,
                competition=competition, data_dir=data_dir, progress=progress,
            )
            checked = replace(checked, seed=drawn_by, repetitions=repetitions)
        found.append(checked)
    whole = None
    if heads is not None and ledger is not None:
        name = (names or {}).get(heads.key, "")
        whole = VerifiedLedger(path=Path(ledger), heads=heads, name=name)
    return Verification(bundles=tuple(found), ledger=whole)


def _checked(path: Path, names: Mapping[str, str] | None) -> Verified:
    bundle = check_bundle(path)
    if bundle.problem or bundle.seal is None:
        return Verified(bundle=bundle, signer="unsigned", problems=(bundle.problem,))
    problems, key = self_contradictions(bundle), bundle.seal.key
    name = (names or {}).get(key or "", "")
    signer = "unsigned" if key is None else "known" if name else "unknown"
    if names is not None and not name:
        problems.append(
            "it is unsigned" if key is None else f"it is signed by a key that is not known: {key}"
        )
    return Verified(bundle=bundle, signer=signer, name=name, problems=tuple(problems))


def _with_its_line(found: Verified, heads: Heads | None) -> Verified:
    seal, manifest = found.bundle.seal, found.bundle.manifest
    if heads is None or found.problems or seal is None or manifest is None:
        return found
    bundles = heads.bundles_of(manifest.run)
    line = next((head for head in bundles if head.number == manifest.number), None)
    if seal.key != heads.key:
        problem = "it is not signed by the key of that ledger"
    elif line is None:
        problem = f"the ledger has no line {manifest.number} of this bundle"
    elif (line.previous, line.body.get("merkle_root"), line.body.get("sha256")) != (
        manifest.previous, seal.merkle_root, seal.sha256,
    ):
        problem = f"line {manifest.number} of the ledger is of another bundle of this run"
    else:
        note = f"line {line.number} of the ledger, {line.time}"
        if heads.started(manifest.run) is None:
            note += "; the ledger does not say when the run was started"
        others = [str(head.number) for head in bundles if head != line]
        if others:
            note += f"; other bundles of this run: line {enumerated(others)}"
        return replace(found, notes=(*found.notes, note))
    return replace(found, problems=(problem,))


def _repetitions(
    bundle: Bundle, count: int, seed: int, tolerance: float, **options: Any
) -> tuple[Repetition, ...]:
    from mlgolf.api.playing import replay as replay_trial  # nothing else here takes seconds

    with unpacked(bundle) as path:
        return tuple(
            Repetition(replay=replay_trial(trial, **options), tolerance=tolerance)
            for trial in drawn_trials(RunFolder(path), count, seed)
        )

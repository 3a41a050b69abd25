"""What `mlgolf verify` found, as lines for a person and as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.records import FreshDraw
from mlgolf.core.text import number_of, several
from mlgolf.experiments.verification import Repetition
from mlgolf.results.bundles.contents import Facts
from mlgolf.results.bundles.ledger import Head, Heads
from mlgolf.results.bundles.reading import Bundle
from mlgolf.results.bundles.ruled import KIND as RULING
from mlgolf.results.bundles.ruled import ruling_line

VALID, UNSIGNED, UNKNOWN, NOT_VALID = "valid", "unsigned", "unknown key", "not valid"
NAME_ONE = "name a key that you trust by --known, or take anybody's by --any-key"

OWN_CODE = ", which is made for one's own code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found of one bundle."""

    bundle: Bundle
    signer: str  # "unsigned", "unknown" or "known"; empty where bytes were changed
    any_key: bool = False  # whether it may be unsigned, or signed by an unknown key
    name: str = ""  # of the known key
    problems: tuple[str, ...] = ()  # sentences; none: it is valid
    seed: int | None = None  # by which the trials that were repeated were drawn
    sandbox: str = ""  # the level at which they were repeated
    repetitions: tuple[Repetition, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader should know though it makes nothing invalid

    @property
    def outcome(self) -> str:
        """Valid, if it is signed by a known key, or what stands against that."""
        if self.problems:
            return NOT_VALID
        if not all(found.confirmed for found in self.repetitions):
            return "not confirmed"
        return {"known": VALID, "unknown": UNKNOWN}.get(self.signer, UNSIGNED)

    @property
    def is_valid(self) -> bool:
        return self.outcome == VALID or (self.any_key and self.outcome in (UNSIGNED, UNKNOWN))

    @property
    def facts(self) -> Facts | None:
        return self.bundle.manifest and self.bundle.manifest.facts

    def lines(self) -> list[str]:
        path = self.bundle.path
        if self.problems:
            first, *others = self.problems
            return [f"{path}: NOT valid: {first}", *(f"  {problem}" for problem in others)]
        lines = [f"{path}: {self._in_words()}"]
        lines += [f"  {said}" for said in (*self._about(), *self.notes)]
        if self.outcome in (UNSIGNED, UNKNOWN) and not self.any_key:
            lines.append(f"  not accepted: {NAME_ONE}")
        if self.repetitions:
            count = number_of(len(self.repetitions), "trial")
            level = f"in the sandbox {self.sandbox}{OWN_CODE * (self.sandbox != 'bubblewrap')}"
            lines.append(f"  {count} repeated {level}, drawn by --seed {self.seed}:")
            lines += [f"  {found.text()}" for found in self.repetitions]
        return lines

    def _in_words(self) -> str:
        """The outcome, and who vouches for it."""
        key = self.bundle.seal and self.bundle.seal.key
        match self.signer:
            case "unsigned":
                said, signed = f"{UNSIGNED}: as it was sealed; anybody may have made it", UNSIGNED
            case "known":
                said, signed = f"{VALID}, signed by {self.name}", f"signed by {self.name}"
            case _:
                signed = f"signed by an unknown key, {key}"
                said = f"{UNKNOWN}: as it was sealed, by the key {key}"
        return f"NOT confirmed, {signed}" if self.outcome == "not confirmed" else said

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
        if facts.fresh is not None:
            lines.append(_drawn_in_words(facts.fresh, facts.value))
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
            "outcome": self.outcome,
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
            "sandbox": self.sandbox or None,
            "replays": [found.as_json() for found in self.repetitions],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLedger:
    """What was found of a ledger."""

    path: Path
    heads: Heads
    name: str = ""  # of its key, where that is known
    any_key: bool = False  # whether it may be of a key that is not known
    contradictions: tuple[str, ...] = ()  # between its rulings and those that are published

    @property
    def outcome(self) -> str:
        if self.heads.problem or self.contradictions:
            return NOT_VALID
        return VALID if self.name else UNKNOWN

    @property
    def is_valid(self) -> bool:
        return self.outcome == VALID or (self.any_key and self.outcome == UNKNOWN)

    def lines(self) -> list[str]:
        heads, gaps = self.heads, self.heads.gaps()
        if self.outcome == NOT_VALID:
            first, *others = filter(None, [heads.problem, *self.contradictions])
            return [f"{self.path}: NOT valid: {first}", *(f"  {one}" for one in others)]
        count = number_of(len(heads.lines), "line")
        whose = f"{VALID}, {count} by {self.name}" if self.name else (
            f"{UNKNOWN}: {count} by the key {heads.key}"
        )
        lines = [f"{self.path}: {whose}"]
        if not self.is_valid:
            lines.append(f"  not accepted: {NAME_ONE}")
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
            "file": str(self.path), "valid": self.is_valid, "outcome": self.outcome,
            "key": self.heads.key, "name": self.name, "lines": len(self.heads.lines),
            "problem": self.heads.problem,
            "contradictions": list(self.contradictions),
            "torn": self.heads.is_torn,
            "gaps": [
                {"number": head.number, "time": head.time, **head.body}
                for head in self.heads.gaps()
            ],
        }


def as_text(lines: Iterable[str]) -> str:
    """What a bundle or a ledger says of itself never begins a line: it is no finding of ours."""
    return "\n".join(line.replace("\n", "\n      ") for line in lines)


def _drawn_in_words(fresh: FreshDraw, value: str) -> str:
    said = f"drawn from all code and the value that line {fresh.line} of the ledger commits to"
    if not value:
        return f"{said}; it is not shown yet, so nobody can compute the draws again"
    if fresh.public:
        return f"{said}: {value}. Compare it with {fresh.public}"
    return f"{said}: computed again"


def in_words(head: Head) -> str:
    """A line of a ledger, for a person."""
    if head.kind == RULING:
        whose = head.body.get("competition")
        return f"{head.number} {head.time} {head.kind} {whose}: {ruling_line(head)}"
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
        return as_text(line for one in found for line in one.lines())

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": self.is_valid,
            "bundles": [found.as_json() for found in self.bundles],
            "ledger": self.ledger and self.ledger.as_json(),
        }

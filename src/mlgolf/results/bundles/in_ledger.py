"""A bundle and the ledger of its host: is its line there, and were its draws fixed before it?"""

from dataclasses import dataclass

from mlgolf.core.records import FreshDraw
from mlgolf.core.text import enumerated
from mlgolf.results.bundles.contents import Facts
from mlgolf.results.bundles.ledger import Head, Heads
from mlgolf.results.bundles.reading import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """One of two sentences: what is wrong, or where it stands."""

    problem: str = ""
    note: str = ""


def find_line(bundle: Bundle, heads: Heads) -> FoundLine:
    """Args: bundle: one without a problem."""
    seal, manifest = bundle.seal, bundle.manifest
    assert seal is not None
    assert manifest is not None
    if seal.key != heads.key:
        return FoundLine(problem="it is not signed by the key of that ledger")
    bundles = heads.bundles_of(manifest.run)
    line = next((head for head in bundles if head.number == manifest.number), None)
    if line is None:
        return FoundLine(problem=f"the ledger has no line {manifest.number} of this bundle")
    named = (line.previous, line.body.get("merkle_root"), line.body.get("sha256"))
    if named != (manifest.previous, seal.merkle_root, seal.sha256):
        return FoundLine(
            problem=f"line {line.number} of the ledger is of another bundle of this run"
        )
    fresh = manifest.facts.fresh
    if fresh is not None and (problem := _not_committed(fresh, manifest.facts, heads, line)):
        return FoundLine(problem=problem)
    note = f"line {line.number} of the ledger, {line.time}"
    started = heads.started(manifest.run)
    if started is None or started.number > line.number:
        note += "; the ledger does not say when the run was started"
    if others := [str(head.number) for head in bundles if head != line]:
        note += f"; other bundles of this run: line {enumerated(others)}"
    return FoundLine(note=note)


def _not_committed(fresh: FreshDraw, facts: Facts, heads: Heads, bundled: Head) -> str:
    """What the ledger says against draws that are said to be fresh; empty if nothing."""
    where = f"line {fresh.line} of the ledger"
    if not 0 < fresh.line < bundled.number or heads.lines[fresh.line].kind != "committed":
        return f"its draws are said to be fresh, and {where} commits to nothing"
    body = heads.lines[fresh.line].body
    named = (body.get("value_sha256", ""), body.get("public", ""))
    if named != (fresh.value_sha256, fresh.public):
        return f"its draws come from another value than {where} commits to"
    if body.get("submissions", facts.submissions) != facts.submissions:
        return f"{where} commits to other submissions, or to other code of theirs"
    starts = [head for head in heads.lines if head.kind == "started"]
    start = next((head for head in starts if head.body.get("committed") == fresh.line), None)
    if start is None or start.number < fresh.line or start.body.get("run") != bundled.body["run"]:
        return f"{where} was the commitment of another run, or of none"
    used = [head.body.get("committed") for head in starts if head.number < start.number]
    for head in heads.lines[: fresh.line]:
        fits = head.body.get("submissions", facts.submissions) == facts.submissions
        if head.kind == "committed" and head.number not in used and fits:
            return f"line {head.number} committed to a value before, and the host used {where}"
    return ""

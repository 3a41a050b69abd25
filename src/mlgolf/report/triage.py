"""What triage of a submission says, as lines of text and as a section of a report that folds."""

from collections.abc import Iterator, Sequence

from mlgolf.core.text import number_of
from mlgolf.report.html import Html, section, tag, text
from mlgolf.scoring.labels import disclosed_in_words
from mlgolf.triage.findings import Finding, Kind, Triage
from mlgolf.triage.looked_at import NO_VERDICT, LookedAt

_MOST_OF_A_KIND = 20  # findings that a page shows; the others are counted


def looked_at_lines(looked: LookedAt) -> Iterator[str]:
    """A paragraph each: who, how much there is, then its findings by kind."""
    if looked.problem:
        yield looked.problem
    yield from disclosed(looked)
    yield from touched(looked)
    yield from summary(looked.triage)
    for kind in Kind:
        if found := looked.triage.of_kind(kind):
            yield "\n".join([_heading(kind), *(f"  {_line(one)}" for one in found)])
    if not looked.triage.findings:
        yield "nothing else was found"


def disclosed(looked: LookedAt) -> Iterator[str]:
    """What its authors say of it, which nobody can check."""
    if looked.disclosure is None:
        yield "no disclosure: there is no submission.toml beside it"
    else:
        yield disclosed_in_words(looked.name, looked.disclosure)
    if looked.disclosure and looked.disclosure.notes:
        yield f"notes of its authors: {' '.join(looked.disclosure.notes.split())}"


def touched(looked: LookedAt) -> Iterator[str]:
    """What it looked up of what it was handed, most often first; nothing if nobody told."""
    if looked.trials:
        often = sorted(looked.touched.items(), key=lambda member: (-member[1], member[0]))
        yield (
            f"looked up in what it was handed, over {number_of(looked.trials, 'trial')}, as told "
            "by its own process, which is no evidence: "
            + ", ".join(f"{name} {count:,}" for name, count in often)
        )


def summary(triage: Triage) -> Iterator[str]:
    """How much code there is, what it imports, and its files."""
    yield (
        f"{number_of(len(triage.files), 'file')}, {triage.bytes:,} bytes, "
        f"{triage.compressed_bytes:,} compressed; all constants of its code hold about "
        f"{triage.literal_bits:,} bits"
    )
    imports = triage.imports
    of = (
        ("standard library", imports.standard), ("packages", imports.known),
        ("own files", imports.own), ("others", imports.other),
    )
    said = [f"{noun}: {', '.join(names)}" for noun, names in of if names]
    yield f"imports: {'; '.join(said) or 'none'}"
    others = [f"{file.name} ({file.kind}, {file.bytes:,} bytes)" for file in triage.files
              if file.kind != "Python"]  # fmt: skip
    if others:
        yield f"files that are no Python: {', '.join(others)}"


def _heading(kind: Kind) -> str:
    return f"{kind.title}:"


def _line(finding: Finding) -> str:
    bits = "" if finding.bits is None else f", about {finding.bits:,} bits"
    return f"{finding.place}: {finding.what}{bits}"


def triage_section(looked: Sequence[LookedAt]) -> Html:
    """For hosts and jury; a fold for each submission, closed. Nothing if nothing was looked at."""
    if not looked:
        return Html("")
    return section(
        "For hosts and jury", tag("p", text(NO_VERDICT), css="aside"), *map(_fold, looked)
    )


def _fold(looked: LookedAt) -> Html:
    found = len(looked.triage.findings)
    head = tag("summary", tag("b", text(looked.name)), text(f": {number_of(found, 'finding')}"))
    problem = [tag("p", text(looked.problem), css="warning")] if looked.problem else []
    about = [tag("p", text(line), css="facts") for line in (
        *disclosed(looked), *touched(looked), *summary(looked.triage),
    )]
    parts = [part for kind in Kind for part in _of_kind(looked.triage.of_kind(kind))]
    return tag("details", head, *problem, *about, *parts)


def _of_kind(found: Sequence[Finding]) -> Iterator[Html]:
    if not found:
        return
    more = len(found) - _MOST_OF_A_KIND
    lines = [*map(_line, found[:_MOST_OF_A_KIND]), *[f"and {more} more"] * (more > 0)]
    title = _heading(found[0].kind)
    yield tag("h3", text(f"{title[0].upper()}{title[1:]}"))
    yield tag("ul", *(tag("li", text(line)) for line in lines), css="notes")

"""Rulings of a jury as files."""

from pathlib import Path

RULING = """\
id = "{id}"
date = {date}
decision = "{decision}"
rule = "pretraining"
reason = "weights were brought along"
evidence = ["entry.py, line 12"]
{more}
[subject]
{subject}
"""


def write(
    folder: Path, name: str, day: str = "2026-11-03", decision: str = "disqualified",
    subject: str = 'submission = "mine"', more: str = "",
) -> Path:
    """A ruling whose id is its name."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(
        RULING.format(id=name, date=day, decision=decision, subject=subject, more=more)
    )
    return file

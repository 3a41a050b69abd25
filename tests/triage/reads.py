"""Code as text, and what triage says of it."""

import tempfile
from pathlib import Path

from mlgolf.triage.findings import Kind, Triage
from mlgolf.triage.mentions import Names
from mlgolf.triage.reading import triage_files

NAMES = Names(workloads=("criteo1tb", "imagenet_vit"), datasets=("fineweb",))


def read(*codes: str | bytes, **files: str | bytes) -> Triage:
    """Triage of `submission.py` with the code given, and of other files by name: a_py is a.py."""
    named = {f"submission{n or ''}.py": code for n, code in enumerate(codes)}
    named |= {name.replace("_", ".", 1): content for name, content in files.items()}
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in named}
        for name, content in named.items():
            data = content if isinstance(content, bytes) else content.encode()
            paths[name].write_bytes(data)
        return triage_files(paths, NAMES)


def whats(kind: Kind, *codes: str | bytes, **files: str | bytes) -> list[str]:
    return [finding.what for finding in read(*codes, **files).of_kind(kind)]

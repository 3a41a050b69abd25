"""Archives as contestants and attackers send them."""

import io
import stat
import zipfile
from pathlib import Path

ENTRY = b"def play(game):\n    game.submit(game.zeros())\n"


def zipped(files: dict[str, bytes], **options: int) -> bytes:
    """Args: options: `mode` of all entries, as stat has it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = options.get("mode", stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return written.getvalue()


def folder_zip(folder: Path, top: str = "entry") -> bytes:
    return zipped({
        f"{top}/{file.relative_to(folder)}": file.read_bytes()
        for file in sorted(folder.rglob("*")) if file.is_file()
    })

"""Folders as downloads."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from posixpath import normpath

from django.conf import settings
from django.http import HttpResponse
from django.utils.http import content_disposition_header

MOST_KEPT = 2_000_000_000  # bytes of zips, those that were asked for last


def zip_answer(folder: Path, name: str, leave_out: Collection[str] = ()) -> HttpResponse:
    """The zip is made once, and kept for as long as the files are as they were.

    Args: leave_out: paths of files and folders in it, however they are written.
    """
    hidden = {PurePosixPath(normpath(path)) for path in leave_out}
    inside = {
        file.relative_to(folder): file for file in sorted(folder.rglob("*"))
        # A link could lead anywhere on the machine of the site.
        if file.is_file() and not file.is_symlink()
    }
    shown = {
        path: file for path, file in inside.items()
        if not hidden.intersection((path, *path.parents))
    }
    answer = HttpResponse(_kept(shown, name), content_type="application/zip")
    answer.headers["Content-Disposition"] = content_disposition_header(True, f"{name}.zip") or ""
    return answer


def _kept(files: dict[Path, Path], name: str) -> bytes:
    said = [
        (str(path), str(file), (known := file.stat()).st_size, known.st_mtime_ns, known.st_ino)
        for path, file in files.items()
    ]
    key = hashlib.sha256(repr((name, said)).encode()).hexdigest()
    place = settings.SITE.zips / f"{key}.zip"
    try:
        content = place.read_bytes()
        os.utime(place)
        return content
    except FileNotFoundError:
        pass
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as scratch:
        try:
            with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
                for path, file in files.items():
                    archive.write(file, f"{name}/{path}")
            scratch.flush()
            content = Path(scratch.name).read_bytes()
            os.replace(scratch.name, place)
        except BaseException:
            os.unlink(scratch.name)
            raise
    _forget(place.parent)
    return content


def _forget(folder: Path) -> None:
    """Zips that were not asked for since many others were. The last one stays."""
    there = []
    for zipped in folder.glob("*.zip"):
        try:
            known = zipped.stat()
            there.append((known.st_mtime_ns, known.st_size, zipped))
        except FileNotFoundError:  # by another process, just now
            continue
    kept = 0
    for _, size, zipped in sorted(there, reverse=True):
        if kept and kept + size > MOST_KEPT:
            zipped.unlink(missing_ok=True)
        else:
            kept += size

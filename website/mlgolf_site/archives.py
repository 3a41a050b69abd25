"""Folders as downloads."""

import io
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from posixpath import normpath

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def zip_answer(folder: Path, name: str, leave_out: Collection[str] = ()) -> HttpResponse:
    """Args: leave_out: paths of files and folders in it, however they are written."""
    hidden = {PurePosixPath(normpath(path)) for path in leave_out}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            # A link could lead anywhere on the machine of the site.
            is_plain = file.is_file() and not file.is_symlink()
            if is_plain and not hidden.intersection((inside, *inside.parents)):
                archive.write(file, f"{name}/{inside}")
    answer = HttpResponse(written.getvalue(), content_type="application/zip")
    answer.headers["Content-Disposition"] = content_disposition_header(True, f"{name}.zip") or ""
    return answer



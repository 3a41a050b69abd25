"""Folders as downloads."""

import io
import zipfile
from collections.abc import Collection
from pathlib import Path

from django.http import HttpResponse


def zip_answer(folder: Path, name: str, leave_out: Collection[str] = ()) -> HttpResponse:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            if file.is_file() and not set(leave_out).intersection(inside.parts):
                archive.write(file, f"{name}/{inside}")
    answer = HttpResponse(written.getvalue(), content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer



"""A board and its runs as files. They say what its page says: nothing is computed here."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from django.core.files.storage import default_storage

from mlgolf.golf.own_evaluation import LABEL
from mlgolf_site.boards.models import Standing
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Run

_FORMULA = re.compile(r"[=+\-@\t\r]")
_CHUNK = 1 << 18


def board_as_json(board: Board) -> dict[str, Any]:
    """The leaderboard as it is shown, with all rows, each with its runs."""
    version, snapshot = board.version, board.snapshot
    return {
        "contest": version.contest.slug, "title": version.contest.title,
        "version": version.number, "rules_sha256": version.rules_sha256,
        "name": board.name, "cell": board.cell, "framework": board.framework,
        "ruleset": board.ruleset, "made": snapshot.made.isoformat() if snapshot else None,
        "board": snapshot.view if snapshot else None, "own_columns_are": LABEL,
        "record": snapshot.record if snapshot else [], "rows": list(_rows(board)),
    }


def _rows(board: Board) -> Iterator[dict[str, Any]]:
    standings = Standing.objects.filter(snapshot=board.snapshot).select_related(
        "entry__owner", "entry__team"
    ) if board.snapshot else ()
    runs: dict[int, list[Run]] = {}
    for run in Run.objects.filter(entry__board=board, ended__isnull=False).defer(
        "results", "view", "figures"
    ).select_related("entry").order_by("pk"):
        runs.setdefault(run.entry_id, []).append(run)
    for row in standings:
        entry = row.entry
        yield {
            "place": row.place, "rank": row.rank, "entry": entry.name,
            "owner": entry.owner.username, "team": entry.team.name if entry.team else "",
            "is_baseline": entry.is_baseline, "code_sha256": entry.code_sha256,
            "value": row.value, "row": row.view,
            "runs": [
                {"run": run.folder_name, "tier": run.tier, "is_verified": run.is_verified,
                 "counts": run.counts, "bundle_sha256": run.bundle_sha256,
                 "signed_by": run.signed_by, "ended": run.ended.isoformat()}
                for run in runs.get(entry.pk, [])
            ],
        }  # fmt: skip


def board_as_csv(board: Board) -> str:
    """A line for each row, with the run that counts. A spreadsheet runs none of its cells."""
    view = board.snapshot.view if board.snapshot else {}
    facts, workloads = view.get("fact_heads") or [], view.get("workloads") or []
    own = view.get("own_columns") or []
    heads = [
        "place", "rank", "entry", "owner", "team", "value", "score", *facts,
        *workloads, "run", "tier", "verified", "ended", "bundle_sha256", "code_sha256",
        *(f"{name} ({LABEL})" for name in own),
    ]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(map(_plain, heads))
    for row in _rows(board):
        shown = row["row"]
        run = next((one for one in row["runs"] if one["counts"]), {})
        writer.writerow(map(_plain, [
            row["place"], row["rank"], row["entry"], row["owner"], row["team"], row["value"],
            shown.get("score", ""), *_filled(shown.get("facts", ()), len(facts)),
            *_filled([cell["value"] for cell in shown.get("cells", ())], len(workloads)),
            run.get("run"), run.get("tier"), run.get("is_verified"), run.get("ended"),
            run.get("bundle_sha256"), row["code_sha256"],
            *(shown.get("own", {}).get(name, "") for name in own),
        ]))
    return written.getvalue()


def _filled(cells: Any, count: int) -> list[Any]:
    return [*cells, *[""] * count][:count]


def _plain(cell: Any) -> Any:
    if not isinstance(cell, str) or not _FORMULA.match(cell):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def bundles_as_zip(board: Board) -> Iterator[bytes]:
    """All bundles of a board with what the board says, piece by piece: none is held in memory."""
    pieces = _Pieces()
    slug = board.version.contest.slug
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{slug}/board.json", json.dumps(board_as_json(board), indent=1))
        archive.writestr(f"{slug}/board.csv", board_as_csv(board))
        yield pieces.taken()
        for run in Run.objects.filter(entry__board=board).exclude(bundle_sha256="").defer(
            "results", "view", "figures"
        ).select_related("entry").order_by("pk").iterator(chunk_size=200):
            name = f"{slug}/{run.folder_name}.mlgolf.zip"
            with (
                default_storage.open(run.bundle, "rb") as bundle,
                archive.open(name, "w", force_zip64=True) as inside,
            ):
                while chunk := bundle.read(_CHUNK):
                    inside.write(chunk)
                    yield pieces.taken()
    yield pieces.taken()


class _Pieces(io.RawIOBase):
    """A file that is only written, and whose bytes are handed on at once."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._held.append(bytes(content))
        return len(content)

    def taken(self) -> bytes:
        found, self._held = b"".join(self._held), []
        return found

"""What an address names of a contest: a version, a board, a download. Pages and API ask alike."""

from collections.abc import Mapping, Sequence

from django.http import Http404, HttpResponse

from mlgolf_site.archives import zip_answer
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.contests.services import kept_from_players, starter_folder

OF_THE_HOST = ("champion",)  # folders of a competition that its host keeps


def versions_of(contest: Contest) -> list[Version]:
    """The newest first. Raises: Http404 if there is none."""
    versions = list(contest.versions.order_by("-number"))
    if not versions:
        raise Http404(f"{contest} has no rules yet.")
    for version in versions:
        version.contest = contest  # which is there already
    return versions


def chosen_version(versions: Sequence[Version], number: str | int | None) -> Version:
    """By its number; the newest where none is given. Raises: Http404."""
    if number is None:
        return versions[0]
    for version in versions:
        if str(version.number) == str(number):
            return version
    known = ", ".join(str(version.number) for version in reversed(versions))
    raise Http404(f"There is no version {number} of these rules. Known: {known}.")


def boards_of(version: Version, *, light: bool = False) -> list[Board]:
    """Args: light: without what is large of their snapshots."""
    found = version.boards.select_related("snapshot")
    if light:
        found = found.defer(*Board.LARGE)
    boards = list(found)
    for board in boards:  # looked up once for all
        board.version = version
    return boards


def chosen_board(boards: Sequence[Board], name: str) -> Board:
    """Raises: Http404 saying which boards there are."""
    for board in boards:
        if board.name == name:
            return board
    known = ", ".join(board.name or "none, for the main one" for board in boards)
    raise Http404(f"There is no board {name!r}. Known: {known}.")


def asked_board(contest: Contest, asked: Mapping[str, str]) -> Board:
    """The board that an address names by ?version= and ?board=. Raises: Http404."""
    version = chosen_version(versions_of(contest), asked.get("version"))
    return chosen_board(boards_of(version), asked.get("board", ""))


def folder_answer(version: Version) -> HttpResponse:
    """The folder of the competition, as `mlgolf run --competition` takes it; without champions of
    the host, and without what the examples of blind games are drawn from."""
    left_out = {*OF_THE_HOST, *kept_from_players(version)}
    return zip_answer(version.folder, version.contest.slug, leave_out=left_out)


def starter_answer(contest: Contest) -> HttpResponse:
    """Raises: Http404."""
    folder = starter_folder(contest.current)
    if folder is None:
        raise Http404(f"{contest} has no starter kit.")
    return zip_answer(folder, "starter")

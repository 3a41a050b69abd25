"""`mlgolf login`, `submit`, `status`, `cancel` and `leaderboard`: a contestant's side of a website.

Each parses, asks the site, and prints. Heavy imports stand inside: help answers at once.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say
from mlgolf.core.cells import split_name
from mlgolf.core.errors import RulesError

if TYPE_CHECKING:
    from mlgolf_site.client import SiteClient

# Exit codes; 0 is a verdict, 2 a mistake or a site that is away.
WITHOUT_VERDICT, NOT_ENDED = 1, 3
ENDED_BEFORE = 1  # of cancel
LOOK_SECONDS = 5.0  # between looks at why a run waits

Url = Annotated[
    str | None, typer.Option(
        "--url", envvar="MLGOLF_URL", help="Address of the site.",
        show_default="of mlgolf login",
    ),
]
TokenText = Annotated[
    str | None, typer.Option(
        "--token", envvar="MLGOLF_TOKEN", help="A token of yours, from the site's page Tokens.",
        show_default="of mlgolf login",
    ),
]
Competition = Annotated[
    str, typer.Argument(help="A competition of the site, or one of its boards: NAME@BOARD.")
]
Board = Annotated[str, typer.Option(help="A board of the competition: the same as NAME@BOARD.")]
Follow = Annotated[
    bool, typer.Option("--follow", help="Show what happens until the run has ended.")
]


def login(
    url: Annotated[str, typer.Argument(help="Address of the site.")],
    token: Annotated[
        str | None, typer.Option(
            help="Asked for, and not shown, where it is left out.", show_default=False
        )
    ] = None,
) -> None:
    """Keep the address of a site and a token, for mlgolf submit, status, cancel and leaderboard.

    The token is made on the site's page Tokens. Both are kept in ~/.config/mlgolf/site.toml, for
    your eyes alone, once the site has accepted the token.

    Example: mlgolf login https://golf.example.org
    """
    from mlgolf_site.client import Account, SiteClient, checked_url, default_file, keep_account

    address = checked_url(url)
    if address.startswith("http://") and not _is_here(address):
        say(f"mlgolf: {address} is not https: who is in between can read the token", err=True)
    if token is None:
        token = (
            typer.prompt(f"Token (make one at {address}/tokens/)", hide_input=True, err=True)
            if sys.stdin.isatty() else sys.stdin.readline()
        ).strip()
    if not token:
        raise RulesError(f"there is no token. Make one at {address}/tokens/")
    account = Account(url=address, token=token)
    with closing(SiteClient(account, tell=_aside)) as client:
        me = client.me()
    keep_account(account, default_file())
    say(
        f"{me['name']} is known to {me['site']}. The token {me['token']!r} may {me['scope']}, "
        f"until {me['expires'][:10]}; it is kept in {default_file()}"
    )


def submit(
    entry: Annotated[str, typer.Argument(help="Your entry: a folder or a module.")],
    competition: Annotated[
        str, typer.Option(help="A competition of the site, or one of its boards: NAME@BOARD.")
    ],
    board: Board = "",
    name: Annotated[
        str, typer.Option(help="On the board.", show_default="that of the folder or module")
    ] = "",
    framework: Annotated[str, typer.Option(help="torch or jax.")] = "torch",
    team: Annotated[str, typer.Option(help="A team of yours.")] = "",
    based_on: Annotated[
        str, typer.Option(help="The entry of this competition that it improves on.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Say what would be refused, and submit nothing.")
    ] = False,
    follow: Follow = False,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Submit an entry to a competition of a website.

    What the referee would freeze is sent: no hidden files and nothing compiled. A request that did
    not come through is sent again, and makes one entry: so may you, if it was broken off. With
    --follow the exit code is that of mlgolf status.

    Example: mlgolf submit my_entry/ --competition digits-l2 --check

    Example: mlgolf submit my_entry/ --competition digits-l2 --name mine --follow
    """
    from mlgolf_site.packing import pack

    slug, board = _game_and_board(competition, board)
    with _client(url, token) as client:
        packed = pack(entry, framework)
        packed.check(client.competition(slug)["limits"])
        asked = {
            "name": name or packed.name.lower(), "framework": framework, "board": board,
            "team": team, "based_on": based_on,
        }
        _aside(f"{packed.name}: {len(packed.files)} files, {len(packed.content):,} bytes zipped")
        if check:
            _print_check(client.check(slug, packed.content, asked), as_json=as_json)
            return
        made = client.submit(slug, packed.content, asked)
        known_as = f"{made['competition']}/{made['entry']}"
        if follow:
            _aside(f"{known_as} {made['state']}: {made['url']}")
            raise typer.Exit(_stand(client, slug, made["entry"], follow=True, as_json=as_json))
        if as_json:
            print_json({"submitted": made})
            return
        say(f"{known_as} {made['state']}: {made['url']}")
        (newest, *_) = client.entry(slug, made["entry"])["runs"]
        for line in _standing_of(newest):
            say(line)
        say(f"Watch it: mlgolf status {known_as} --follow")


def status(
    entry: Annotated[
        str | None, typer.Argument(
            help="COMPETITION/ENTRY.", show_default="list your entries"
        )
    ] = None,
    follow: Follow = False,
    page: Annotated[int, typer.Option(min=1, help="Of the list of your entries.")] = 1,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Say how an entry stands: its state and why, its place in the queue, its verdict.

    Exit code 0: its newest run has a verdict. 1: it ended without one (refused, cancelled, or not
    to be played there). 3: it has not ended. 2: a mistake, or the site is away. A list of your
    entries ends with 0.

    Example: mlgolf status

    Example: mlgolf status digits-l2/mine --follow
    """
    if entry is None and follow:
        raise RulesError("--follow: name the entry, as COMPETITION/ENTRY")
    with _client(url, token) as client:
        if entry is None:
            _print_own(client.own_entries(page), as_json=as_json)
            return
        slug, name = _competition_and_entry(entry)
        raise typer.Exit(_stand(client, slug, name, follow=follow, as_json=as_json))


def cancel(
    entry: Annotated[str, typer.Argument(help="COMPETITION/ENTRY.")],
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Cancel the newest run of an entry of yours: at once while it waits, else its worker is told.

    One that was not played yet counts for no limit. Exit code 0: it is cancelled, or its worker is
    told to stop. 1: it had ended before. 2: a mistake, the site refused it, or the site is away.

    Example: mlgolf cancel digits-l2/mine
    """
    slug, name = _competition_and_entry(entry)
    with _client(url, token) as client:
        newest = _newest_run(client.entry(slug, name))
        said = client.cancel(newest["run"])
        now = next(
            run for run in client.entry(slug, name)["runs"] if run["run"] == newest["run"]
        )
    if as_json:
        print_json({"cancelled": {
            "competition": slug, "entry": name, "run": now["run"], "state": now["state"],
            "said": said,
        }})  # fmt: skip
    else:
        say(f"{now['name']}: {said}")
    if now["has_ended"] and now["state"] != "cancelled":
        raise typer.Exit(ENDED_BEFORE)


def leaderboard(
    competition: Competition,
    board: Board = "",
    page: Annotated[int, typer.Option(min=1, help="From 1.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=500, help="Rows of a page.")] = 100,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Show a leaderboard of a website. Entries that share a rank cannot be told apart.

    Example: mlgolf leaderboard digits-l2

    Example: mlgolf leaderboard digits-l2 --page 2 --json
    """
    slug, board = _game_and_board(competition, board)
    with _client(url, token) as client:
        found = client.leaderboard(slug, board=board, page=page, size=size)
    if as_json:
        print_json({"leaderboard": found})
    else:
        _print_leaderboard(found)


# --- which site, which board ---


@contextmanager
def _client(url: str | None, token: str | None) -> Iterator["SiteClient"]:
    from mlgolf_site.client import SiteClient, default_file, known_account

    client = SiteClient(
        known_account(url, token, default_file()), tell=_aside, progress=_sent
    )
    with closing(client):
        yield client


def _game_and_board(competition: str, board: str) -> tuple[str, str]:
    slug, named = split_name(competition)
    if named and board and named != board:
        raise RulesError(f"--board: found {board!r}, and the competition names {named!r}. Give one")
    return slug, board or named


def _competition_and_entry(entry: str) -> tuple[str, str]:
    slug, _, name = entry.partition("/")
    if not slug or not name or "/" in name:
        raise RulesError(f"found {entry!r}; allowed is COMPETITION/ENTRY, as digits-l2/mine")
    return slug, name


def _aside(line: str) -> None:
    """What is no result goes to stderr."""
    say(line, err=True)


def _sent(sent: int, size: int) -> None:
    """On a terminal, in one line that changes."""
    if sys.stderr.isatty():
        end = "\n" if sent == size else ""
        print(f"\rsent {100 * sent // size}%", end=end, file=sys.stderr, flush=True)


def _is_here(address: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")


# --- how an entry stands ---


def _stand(client: "SiteClient", slug: str, name: str, *, follow: bool, as_json: bool) -> int:
    """Print it. Returns: the exit code."""
    found = client.entry(slug, name)
    if follow and not _newest_run(found)["has_ended"]:
        try:
            _follow(client, found, tell=_aside if as_json else say)
        except KeyboardInterrupt:
            _aside(f"It goes on without you. Again: mlgolf status {slug}/{name} --follow")
            raise
        found = client.entry(slug, name)
    if as_json:
        print_json({"entry": found})
    else:
        _print_entry(found)
    newest = _newest_run(found)
    if not newest["has_ended"]:
        return NOT_ENDED
    return 0 if newest["state"] == "done" else WITHOUT_VERDICT


def _newest_run(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises: RulesError for an entry without one."""
    if not found["runs"]:
        raise RulesError(f"{found['competition']}/{found['entry']} has no run yet")
    return found["runs"][0]


def _follow(client: "SiteClient", found: Mapping[str, Any], tell: Any) -> None:
    """Log, evaluations and states as they come; why it waits, whenever that changes."""
    newest, told, looked = found["runs"][0], "", 0.0
    for event in client.events(newest["run"]):
        if event is not None:
            tell(_event_line(event))
        elif time.monotonic() - looked > LOOK_SECONDS:
            now, looked = client.entry(found["competition"], found["entry"]), time.monotonic()
            lines = "\n".join(_standing_of(now["runs"][0])) if now["runs"][0]["waiting"] else ""
            if lines != told and now["runs"][0]["state"] == "queued":
                tell(lines)
            told = lines


def _event_line(event: Mapping[str, Any]) -> str:
    match event["kind"]:
        case "state":
            return f"— {event.get('state')}: {event.get('reason')}"
        case "evaluation":
            metrics = "".join(
                f", {name} {value:.5g}" for name, value in event.get("metrics", {}).items()
            )
            seconds = event.get("seconds") or 0.0
            return f"{event.get('trial')} step {event.get('step')}, {seconds:.2f} s{metrics}"
    return str(event.get("line", ""))


def _standing_of(run: Mapping[str, Any]) -> Iterator[str]:
    """Sentences without their full stop."""
    yield f"{run['name']} {run['state_in_words']}" + (
        f": {run['reason']}" if run["state"] in ("refused", "failed", "cancelled") else ""
    )
    if waiting := run["waiting"]:
        yield f"  {waiting['why']}"
        if waiting["place"] and waiting["seconds"] is not None:
            yield f"  estimated start in {waiting['seconds']:.0f} s"


def _print_entry(found: Mapping[str, Any]) -> None:
    say(f"{found['competition']}/{found['entry']} by {found['by']}: {found['url']}")
    newest = found["runs"][0]
    for line in _standing_of(newest):
        say(line)
    if newest["verdict"]:
        _print_verdict(newest["verdict"])
    if found["rank"]:
        say(f"rank {found['rank']} of {found['of']} on its board")
    if newest["bundle_sha256"]:
        say(f"bundle {newest['bundle_sha256']}, {newest['tier_in_words']}")


def _print_verdict(verdict: Mapping[str, Any]) -> None:
    runs = verdict["runs"]
    if runs["runs"]:
        _table(["seed", "verdict", runs["value_is"] or "value", "reason"], [
            [run["seed"], run["verdict"], run["value"], run["reason"]] for run in runs["runs"]
        ])
    else:
        _table(["workload", "value"], [
            [cell["workload"], cell["value"]]
            for row in verdict["board"]["rows"] for cell in row["cells"]
        ])
    for line in verdict["failures"]:
        say(line)


def _print_own(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"entries": found})
        return
    if not found["rows"]:
        say("You have no entry yet. Submit one: mlgolf submit ENTRY --competition NAME")
    else:
        _table(["submission", "state", "why"], [
            [
                f"{row['competition']}/{row['entry']}",
                row["latest"]["state"] if row["latest"] else "none",
                row["latest"]["reason"] if row["latest"] else "it has no run",
            ] for row in found["rows"]
        ])  # fmt: skip
        _say_page(found, "status")
    say(f"You may submit {found['left_today']} more in these 24 hours.")


def _print_check(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"check": found})
        return
    say(f"Nothing stands against it. Played is {found['module']}; SHA-256 {found['code_sha256']}")
    for paragraph in found["looked_at"]:
        say(paragraph)
    say(f"You may submit {found['left_today']} more in these 24 hours.")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console

    from mlgolf.report.terminal import text_table

    Console(highlight=False).print(text_table("", heads, rows), crop=False)


# --- a leaderboard ---


def _print_leaderboard(found: Mapping[str, Any]) -> None:
    from mlgolf.golf.own_evaluation import LABEL, in_words

    if found["question"]:
        say(found["question"])
    if not found["rows"]:
        say("There is no result yet.")
        return
    by_value = bool(found["fact_heads"])
    heads = ["rank", "submission", "name", *(
        [found["value_is"], *found["fact_heads"]] if by_value else ["score", *found["workloads"]]
    ), *(f"({name})" for name in found["own_columns"])]
    say(found["title"])
    _table(heads, [
        [
            row["rank"], row["entry"], "baseline" if row["is_baseline"] else row["by"],
            *_values(row, by_value),
            *(in_words(row["own"].get(name)) for name in found["own_columns"]),
        ] for row in found["rows"]
    ])
    if found["own_columns"]:
        say(f"In brackets: {LABEL}")
    if found["notice"]:
        say(found["notice"])
    _say_page(found, f"leaderboard {found['competition']}")


def _values(row: Mapping[str, Any], by_value: bool) -> list[str]:
    values = [cell["value"] for cell in row["cells"]]
    return [*values[:1], *row["facts"]] if by_value else [row["score"], *values]


def _say_page(found: Mapping[str, Any], command: str) -> None:
    if found["pages"] > 1:
        more = (
            f"; the next: mlgolf {command} --page {found['page'] + 1}"
            if found["page"] < found["pages"] else ""
        )
        say(f"page {found['page']} of {found['pages']}, {found['total']:,} in all{more}")

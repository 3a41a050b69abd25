"""`mlgolf site`: the website's commands. Heavy imports stand inside: help answers at once."""

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The website: host competitions, enter them, watch them.", no_args_is_help=True,
    rich_markup_mode=None, pretty_exceptions_enable=False,
)
Folder = Annotated[
    Path, typer.Option("--folder", help="Where the site keeps everything.", show_default=True)
]
HERE = Path("mlgolf-site")


@app.command()
def serve(
    folder: Folder = HERE,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[
        int, typer.Option(min=0, help="Local workers for each class that this machine may play.")
    ] = 1,
    any_level: Annotated[
        bool, typer.Option(
            "--any-level", help="Play other people's code at a weaker level than bubblewrap."
        )
    ] = False,
) -> None:
    """Start everything: pages, API, watchdog and a worker. A new site is made on first start.

    The first start makes an administrator and shows the password once. SQLite and local files
    unless site.toml says otherwise.

    Example: mlgolf site serve

    Example: mlgolf site serve --folder /srv/golf --host 0.0.0.0 --port 80
    """
    from mlgolf_site.config import FILE, VARIABLE, Site, embedded, write_private

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        write_private(folder / FILE, embedded())
    site = Site(folder)
    os.environ[VARIABLE] = str(site.folder)
    from mlgolf_site.serving import serve as serve_site

    raise typer.Exit(serve_site(
        site, host=host, port=port, workers=workers, any_level=any_level, tell=typer.echo
    ))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder for the site.")],
    url: Annotated[
        str, typer.Option(help="What people will type; https only.")
    ] = "https://golf.example.org",
    s3: Annotated[
        str, typer.Option(metavar="BUCKET", help="Keep code and bundles in an S3 bucket.")
    ] = "",
    s3_endpoint: Annotated[
        str, typer.Option(help="Of another provider than Amazon.", metavar="URL")
    ] = "",
) -> None:
    """Write the configuration of a site in production; nothing is overwritten.

    site.toml (PostgreSQL, HTTPS, mail, a secret key), a systemd unit, a compose file with its
    Dockerfile, and a Caddyfile for TLS.

    Example: mlgolf site init /srv/golf --url https://golf.example.org
    """
    from mlgolf_site.production import init as write

    for line in write(folder, url=url, bucket=s3, endpoint=s3_endpoint):
        typer.echo(line)


@app.command()
def check(folder: Folder = HERE) -> None:
    """Whether a site is fit to be served: settings, database, files, ledger, walls, mail.

    Exit code 1 if something is wrong.

    Example: mlgolf site check --folder /srv/golf
    """
    from mlgolf_site.checking import check as examine
    from mlgolf_site.config import Site

    findings = examine(Site(folder))
    for finding in findings:
        typer.echo(f"{finding.word:8} {finding.what}: {finding.said}")
    raise typer.Exit(1 if any(finding.is_wrong for finding in findings) else 0)


@app.command("import")
def import_(
    sources: Annotated[
        list[Path] | None, typer.Argument(
            help="Folders of sites, or bundles with the small file beside each; none: the "
            "files that this site has."
        )
    ] = None,
    folder: Folder = HERE,
    people: Annotated[
        Path | None, typer.Option(
            help="CSV with the columns username and email: who may set a new password by mail."
        )
    ] = None,
) -> None:
    """Make the database again: people, teams, contests, entries, runs, challenges and boards.

    What is there already is left alone, so it may be given again. Nobody can sign in until a new
    password was set by mail: passwords and addresses are in no bundle. Exit code 1 if something
    could not be brought back.

    Example: mlgolf site import --folder /srv/golf

    Example: mlgolf site import /backup/golf --folder /srv/golf --people people.csv
    """
    from mlgolf_site.config import FILE, Site, embedded, write_private
    from mlgolf_site.serving import migrate_and_collect, set_up, wait_for_database

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        write_private(folder / FILE, embedded())
    site = Site(folder)
    set_up(site)
    wait_for_database(typer.echo)
    migrate_and_collect()
    from mlgolf_site.importing.again import import_site
    from mlgolf_site.importing.first_start import password_was_shown

    found = import_site(site, sources or [], people)
    for line in found.lines():
        typer.echo(line)
    password_was_shown(site)
    raise typer.Exit(1 if found.problems else 0)


@app.command()
def worker(
    url: Annotated[str, typer.Option(help="Address of the site.")],
    token: Annotated[
        str, typer.Option(
            envvar="MLGOLF_TOKEN", help="Of scope worker, from the page Tokens.", show_envvar=True
        )
    ],
    hardware: Annotated[
        str, typer.Option("--class", help="Hardware class that it plays.")
    ] = "one-thread-cpu",
    folder: Annotated[Path, typer.Option(help="For its ledger and runs under way.")] = Path(
        "mlgolf-worker"
    ),
    ledger: Annotated[Path | None, typer.Option(hidden=True)] = None,
    as_host: Annotated[str, typer.Option(hidden=True)] = "",  # of this machine, behind no proxy
    once: Annotated[bool, typer.Option(help="End when nothing waits.")] = False,
    any_level: Annotated[
        bool, typer.Option(
            "--any-level", help="Play other people's code at a weaker level than bubblewrap."
        )
    ] = False,
) -> None:
    """Play jobs of one hardware class for a site, one at a time.

    Example: mlgolf site worker --class laptop --url https://golf.example.org --token TOKEN
    """
    from mlgolf_site.client import checked_url
    from mlgolf_site.jobs.worker import Worker

    playing = Worker(
        url=checked_url(url), token=token, hardware=hardware, folder=folder, ledger=ledger,
        runs_other_peoples_code=any_level, tell=lambda said: print(said, flush=True),
        headers={"Host": as_host, "X-Forwarded-Proto": "https"} if as_host else {},
    )
    signal.signal(signal.SIGTERM, lambda *_: playing.stop())
    playing.work(once=once)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def manage(context: typer.Context, folder: Folder = HERE) -> None:
    """Django's own commands on this site: migrate, createsuperuser, check, shell …

    Example: mlgolf site manage check --deploy
    """
    from mlgolf_site.config import VARIABLE, Site

    os.environ[VARIABLE] = str(Site(folder).folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mlgolf_site.settings"
    from django.core.management import execute_from_command_line

    execute_from_command_line(["mlgolf site manage", *context.args])



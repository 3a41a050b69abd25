"""Commands for results that a third party can check: bundle, verify, ledger new, …, show."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say
from mlgolf.core.text import bytes_in_words, number_of, quoted, several


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(bundle)
    app.command(no_args_is_help=True)(verify)
    ledger = typer.Typer(
        help="The ledger of a host: its key, and a line for each run, bundle and ruling.",
        no_args_is_help=True,
    )
    ledger.command("new", no_args_is_help=True)(new)
    ledger.command("commit", no_args_is_help=True)(commit)
    ledger.command("rule", no_args_is_help=True)(rule)
    ledger.command("show", no_args_is_help=True)(show)
    app.add_typer(ledger, name="ledger")


def bundle(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The file to write.",
            show_default="RUN.mlgolf.zip beside the run",
        ),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="The folder of your ledger: its key signs the bundle, and it gets a line.",
            envvar="MLGOLF_LEDGER", show_default="none: unsigned",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run as one file that anybody can check, score and replay: an ordinary zip archive.

    It holds rules, frozen code, and every trial with its rows, log and verdict; no data.

    Example: mlgolf bundle runs/a

    Example: mlgolf ledger new host; mlgolf bundle runs/a --ledger host -o a.mlgolf.zip
    """
    from mlgolf.api.bundles import bundle as make

    made = make(run, output, ledger=ledger)
    size, seal = made.path.stat().st_size, made.seal
    if as_json:
        print_json({
            "file": str(made.path), "bytes": size, "key": seal.key, "number": made.manifest.number,
            "merkle_root": seal.merkle_root, "sha256": seal.sha256, "run": made.manifest.run,
            "left_out": list(made.left_out),
        })  # fmt: skip
        return
    files = number_of(len(made.manifest.files), "file")
    line = f"line {made.manifest.number} of {ledger}"
    by = f"signed by {seal.key}, {line}" if seal.key else "unsigned"
    say(f"{made.path}: {files}, {bytes_in_words(size)}, {by}")
    if made.left_out:
        say(f"left out: {several(made.left_out)}")
    trusted = f"--known {seal.key}" if seal.key else "--any-key"
    say(f"next: mlgolf verify {quoted(made.path)} {trusted}")
    if ledger is not None:
        say(f"then: publish it, and {quoted(ledger / 'heads.jsonl')} as it is now")


def verify(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Bundles. None, to check a ledger alone.")
    ] = None,
    known: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|KEY",
            help='The key that you trust, 64 digits, or a TOML file of several, "name" = "64 '
            'digits". Bundles and ledger must be signed by one.',
        ),
    ] = None,
    any_key: Annotated[
        bool,
        typer.Option(
            "--any-key", help="Accept also what is unsigned, or signed by a key that is not known."
        ),
    ] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(help="The host's heads.jsonl: each bundle must have its line there."),
    ] = None,
    replay: Annotated[
        int,
        typer.Option(
            min=0, help="Repeat so many trials of each bundle, drawn at random. This runs the code "
            "of their submissions."
        ),
    ] = 0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draws these trials.", show_default="a new one")
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0, max=0.99,
            help="How far values may be off where processor or software are of another kind.",
        ),
    ] = 0.05,
    competition: Annotated[
        Path | None,
        typer.Option(
            help="Its folder: data that are drawn for each run from its files, and with --ledger "
            "the rulings, which must be those of the ledger."
        ),
    ] = None,
    *,
    data_dir: DataDir,
    as_json: AsJson = False,
) -> None:
    """Check bundles to the last byte, who signed them, and a ledger; offline.

    A bundle that is as it was sealed is valid if --known names its key, and otherwise unsigned or
    of an unknown key. Exit code 0 only if all are valid, with --any-key also for the other two; 1
    if one is not, or a trial came out differently; 2 for what is no bundle, no ledger or no key.

    Example: mlgolf verify a.mlgolf.zip --known keys.toml --ledger heads.jsonl

    Example: mlgolf verify a.mlgolf.zip --known keys.toml --replay 3

    Example: mlgolf verify a.mlgolf.zip --any-key
    """
    from mlgolf.api.bundles import verify as check

    found = check(
        *(files or ()), known=known, any_key=any_key, ledger=ledger, replay=replay, seed=seed,
        tolerance=tolerance, competition=competition, data_dir=data_dir,
    )
    if as_json:
        print_json(found.as_json())
    else:
        say(found.text())
    raise typer.Exit(0 if found.is_valid else 1)


def new(
    folder: Annotated[Path, typer.Argument(help="A folder for it; made if it is not there.")],
) -> None:
    """Make a key and an empty ledger.

    Publish heads.jsonl and the public key; keep key.pem to yourself, with a copy.

    Example: mlgolf ledger new ~/mlgolf-host
    """
    from mlgolf.api.bundles import make_ledger

    made = make_ledger(folder)
    say(f"{folder}: a new ledger, and its key\npublic key: {made.signer.public}")
    say(
        f"next: mlgolf run … --ledger {quoted(folder)}, then mlgolf bundle RUN --ledger "
        f"{quoted(folder)}"
    )


def commit(
    folder: Annotated[Path, typer.Argument(help="The folder of your ledger.")],
    submissions: Annotated[
        list[str] | None,
        typer.Argument(help="Those that will be played, if they are known; --public needs them."),
    ] = None,
    public: Annotated[
        str, typer.Option(help="Where a public value will stand, and when. Else a secret is drawn.")
    ] = "",
    framework: Annotated[Literal["torch", "jax"], typer.Option()] = "torch",
) -> None:
    """Fix the value from which the next run is drawn, where rules say draws = "fresh".

    Publish heads.jsonl after that, and only then take in code. With --public the line has the hash
    of the code, and the value is one that nobody knows yet: give it to mlgolf run --public-value.

    Example: mlgolf ledger commit host

    Example: mlgolf ledger commit host a.py b.py --public "drand quicknet, round 25000000"
    """
    from mlgolf.api.bundles import commit_draws

    line = commit_draws(folder, submissions or (), public=public, framework=framework)
    what = f"to {public}" if public else f"to a secret value of SHA-256 {line.body['value_sha256']}"
    say(f"line {line.number} of {folder} commits {what}")
    say(f"next: publish {quoted(folder / 'heads.jsonl')}, before any code is taken in")


def rule(
    folder: Annotated[Path, typer.Argument(help="The folder of your ledger.")],
    competition: Annotated[Path, typer.Argument(help="The competition's folder, with rulings/.")],
) -> None:
    """Add a line for each ruling of a jury that has none yet; what is ruled cannot be unsaid.

    A ruling that was changed or taken away since is refused. Publish heads.jsonl after that.

    Example: mlgolf ledger rule host my-game
    """
    from mlgolf.api.bundles import record_rulings
    from mlgolf.api.verified import as_text, in_words

    lines = record_rulings(folder, competition)
    if not lines:
        say(f"nothing to add: all rulings of {competition} have their lines")
        return
    say(as_text(f"line {in_words(line)}" for line in lines))
    say(f"next: publish {quoted(folder / 'heads.jsonl')}")


def show(
    path: Annotated[Path, typer.Argument(help="Its folder, or a heads.jsonl.")],
    as_json: AsJson = False,
) -> None:
    """Show the lines of a ledger, its public key, and runs that were started and not bundled.

    Exit code 1 if a line is wrong.

    Example: mlgolf ledger show ~/mlgolf-host
    """
    from mlgolf.api.bundles import open_ledger
    from mlgolf.api.verified import VerifiedLedger, as_text, in_words

    heads = open_ledger(path)
    found = VerifiedLedger(path=path, heads=heads, any_key=True)
    if as_json:
        print_json({
            **found.as_json(),
            "heads": [
                {"number": h.number, "time": h.time, "kind": h.kind, "hash": h.hash, **h.body}
                for h in found.heads.lines
            ],
        })  # fmt: skip
    else:
        own = replace(found, name=f"the key {heads.key}")
        say(as_text([*map(in_words, found.heads.lines), *own.lines()]))
    raise typer.Exit(0 if found.is_valid else 1)

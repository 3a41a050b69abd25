"""What hosts and juries have on a populated site: drafts, announcements, challenges, rulings."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator

HOST, JUROR, JUDGE = "galois", "noether", "boss"
RIVAL = "a-person-with-a-rather-long-name"


def hosted(few, quick) -> Iterator[tuple[str, str, str | None]]:
    """Args: few: a contest with results; quick: one with entries in all states.

    Returns: name, address and reader of each page.
    """
    from mlgolf_site.people.models import User

    host = User.objects.get(username=HOST)
    host.may_host = True
    host.save()
    for contest in (few, quick):
        contest.hosts.add(host)
        contest.jury.add(User.objects.get(username=JUROR))
    _announced(few, host)
    for name, draft in _drafts(host, few):
        yield f"draft_{name}", f"/host/drafts/{draft.key}/", HOST
    for name, path in (
        ("hosting", "/host/"), ("new_from_table", "/host/table/"),
        ("new_from_folder", "/host/folder/"), ("host", f"/c/{few.slug}/host/"),
        ("new_version", f"/c/{few.slug}/host/version/"),
    ):
        yield name, path, HOST
    yield from _judged(few)


def _announced(contest, host) -> None:
    from mlgolf_site.hosting import editing

    editing.announce(
        contest, by=host, title="One more week",
        text="The contest closes **seven days** later. Nothing else changes.",
    )


def _drafts(host, few) -> Iterator:
    from mlgolf_site.hosting.models import Draft

    def made(**fields):
        draft = Draft.objects.create(owner=host, **fields)
        draft.place.mkdir(parents=True)
        draft.source.write_bytes(b"")
        return draft

    typed = {"name": "leaves", "title": "Oak or ash", "licence": "CC0-1.0", "prose": ""}
    yield "refused", made(
        kind="table", file_name="leaves.csv", asked={**typed, "target": "colour"},
        problem="leaves.csv: no column 'colour'; it has length, width, kind\n"
        "leaves.csv, line 7: column 'width' has 'wide', which is no number",
    )
    yield "with_findings", made(kind="folder", file_name="my-game.zip", asked=typed, checked={
        "checked": ["the rules", "the baseline"], "skipped": [], "findings": [
            {"file": "competition.toml", "line": 12,
             "what": "rules.objective: found 'l3'; allowed are l1, l2, nuclear"},
            {"file": "data.toml", "line": None, "what": "sha256: it is not that of train.csv"},
        ],
    })  # fmt: skip
    yield "fine", made(
        kind="table", file_name="leaves.csv", asked=typed, checked={
            "checked": ["the rules", "the data", "the baseline"], "skipped": [], "findings": [],
        }, guesses=["the target is kind, the last column", "the budget is 30 s"],
    )  # fmt: skip
    rules = made(
        kind="folder", file_name="digits-l2.zip", contest=few, asked={"note": "an easier bound"},
        checked={"checked": ["the rules"], "skipped": [], "findings": []},
    )  # fmt: skip
    shutil.copytree(few.current.folder, rules.folder)
    file = rules.folder / "competition.toml"
    file.write_text(file.read_text().replace("studies = 5", "studies = 7", 1))
    yield "of_new_rules", rules


def _judged(contest) -> Iterator[tuple[str, str, str | None]]:
    from django.conf import settings
    from mlgolf_site.boards.models import Standing
    from mlgolf_site.boards.services import refresh_all
    from mlgolf_site.jury import services
    from mlgolf_site.jury.models import Remark
    from mlgolf_site.people.models import User

    from mlgolf.api.bundles import make_ledger

    if not settings.SITE.ledger.exists():
        make_ledger(settings.SITE.ledger)
    refresh_all()
    rival, judge = (User.objects.get(username=name) for name in (RIVAL, JUDGE))
    theirs = [
        row.entry for row in Standing.objects.filter(
            snapshot__shown_on__version__contest=contest, entry__is_baseline=False
        ).select_related("entry__owner").order_by("place")
        if row.entry.owner != rival
    ]
    at = f"/c/{contest.slug}/"
    for entry, decision in zip(theirs, (None, "disqualified"), strict=False):
        made = services.challenge(
            entry, by=rival, doubt="Its weights are a **table** of the training examples.",
            evidence="`entry.py`, line 12, holds 240 numbers.", wants_repetition=True,
            file=b"240 numbers, one by one\n",
        )
        services.say(
            made, by=entry.owner, speaker=Remark.Speaker.OWNER, text="They are its centroids."
        )
        if decision:
            found = services.decide(
                entry, by=judge, key=uuid.uuid4(), decision=decision,
                rule="pretraining", reason="It brings weights along that it has not trained.",
                information="the labels of the training split",
                action="copied a table into the model", evidence=["entry.py, line 12"],
                challenge=made,
            )
            yield "ruling", found.get_absolute_url(), None
            yield "entry_disqualified", entry.get_absolute_url(), None
        else:
            yield "challenge", made.get_absolute_url(), None
            yield "challenge_for_jury", made.get_absolute_url(), JUDGE
            yield "challenge_form", f"{entry.get_absolute_url()}challenge/", RIVAL
            yield "decide", f"{made.get_absolute_url()}decide/", JUDGE
    yield "challenges", f"{at}challenges/", None
    yield "contest_with_tombstone", at, None
    yield "mine_of_jury", "/mine/", JUROR

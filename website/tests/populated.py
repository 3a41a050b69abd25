"""A site with something of everything, for pictures and for checks of all pages.

    python populated.py FOLDER      while the site is served; prints its pages as JSON

Results are made up: values fall from entry to entry, over weeks.
"""

import io
import json
import os
import random
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from populated_hosting import hosted

PASSWORD = "correct horse battery"
KIM, MIA, ADMIN = "kim", "mia", "boss"  # an entrant; one with a second factor; an administrator
SECRET = "JBSWY3DPEHPK3PXP"


@dataclass(frozen=True)
class Shown:
    """A page, and who looks at it."""

    name: str
    path: str
    by: str | None = None


def main(folder: Path) -> None:
    from mlgolf_site.config import Site
    from mlgolf_site.serving import set_up

    set_up(Site(folder))
    print(json.dumps([asdict(page) for page in _populate()]))


def _populate() -> Iterator[Shown]:
    from allauth.account.models import EmailAddress
    from mlgolf_site.contests.models import Contest
    from mlgolf_site.people.models import Invitation, Team, Token, User

    people = {}
    for name in (KIM, MIA, "noether", "galois", "a-person-with-a-rather-long-name"):
        people[name] = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
        EmailAddress.objects.create(
            user=people[name], email=f"{name}@example.org", verified=True, primary=True
        )
    EmailAddress.objects.create(
        user=people["noether"], email="noether@home.example", verified=False
    )
    User.objects.create_superuser(ADMIN, password=PASSWORD)
    _second_factor(people[MIA])
    team = Team.objects.create(name="short-circuits", founder=people[KIM])
    team.members.set([people[KIM], people["noether"]])
    Invitation.objects.create(team=team, user=people[MIA], by=people[KIM])
    other = Team.objects.create(name="long-shots", founder=people["galois"])
    other.members.add(people["galois"])
    Invitation.objects.create(team=other, user=people[KIM], by=people["galois"])
    Token.issue(people[KIM], "laptop", Token.Scope.SUBMIT)
    game, mini = (Contest.objects.get(slug=slug) for slug in ("cancer-nuclear", "mini"))
    few, quick = (Contest.objects.get(slug=slug) for slug in ("digits-l2", "digits-nonzeros"))
    owners = [*people.values()]
    results_on(_board(game), owners, 130, team)
    results_on(_board(few), owners, 4, None)
    own = _with_own_evaluation(_board(few))
    results_on(_board(mini), owners, 6, None)
    names = dict(_in_states(_board(quick), people[KIM]))
    yield from _pages(names)
    yield from (Shown(*page) for page in hosted(few, quick))
    yield Shown("entry_own_evaluation", own)
    yield Shown("entry_own_evaluation_admin", own, ADMIN)
    yield Shown("host_admin", "/c/digits-l2/host/", ADMIN)


def _board(contest):
    return contest.current.boards.get(name="")


def _second_factor(user) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)


def _pages(states: dict[str, str]) -> Iterator[Shown]:
    for name, path in (
        ("home", "/"), ("about", "/about/"), ("status", "/status/"),
        ("contest", "/c/cancer-nuclear/"), ("contest_page_2", "/c/cancer-nuclear/?page=2"),
        ("contest_few", "/c/digits-l2/"), ("contest_empty", "/c/python-bits/"),
        ("contest_mini", "/c/mini/"), ("person", "/people/noether/"),
        ("team", "/teams/short-circuits/"), ("sign_in", "/accounts/login/"),
        ("register", "/accounts/signup/"), ("password_reset", "/accounts/password/reset/"),
        ("password_reset_done", "/accounts/password/reset/done/"),
        ("not_found", "/nothing/here/"), ("code_not_seen", states["done"] + "code/"),
    ):
        yield Shown(name, path)
    yield Shown("email", "/accounts/email/", "noether")
    yield Shown("team_invited", "/teams/long-shots/", KIM)
    for state, path in states.items():
        yield Shown(f"entry_{state}", path, KIM)
    for name, path in (
        ("home_signed_in", "/"), ("code", states["done"] + "code/"), ("mine", "/mine/"),
        ("submit", "/c/cancer-nuclear/submit/"), ("teams", "/teams/"),
        ("team_of_mine", "/teams/short-circuits/"), ("tokens", "/tokens/"),
        ("password", "/accounts/password/change/"),
        ("second_factor", "/accounts/2fa/"), ("totp", "/accounts/2fa/totp/activate/"),
        ("sign_out", "/accounts/logout/"),
    ):
        yield Shown(name, path, KIM)
    for name, path in (("home_admin", "/"), ("entry_admin", states["done"])):
        yield Shown(name, path, ADMIN)


def results_on(board, owners, number: int, team) -> None:
    """Entries with results, each a little better than those before, and not always surely."""
    from django.utils import timezone
    from mlgolf_site.entries.models import Entry, Run
    from mlgolf_site.jobs.models import Job, State

    drawn, now = random.Random(board.pk), timezone.now()
    rules = board.competition
    for place in range(number):
        name = f"{drawn.choice(_WORDS)}-{drawn.choice(_WORDS)}-{place}"
        received = now - timedelta(days=40) * (1 - place / number)
        entry = Entry.objects.create(
            board=board, contest=board.version.contest, name=name,
            owner=owners[place % len(owners)], team=team if place % 9 == 2 else None,
            code_sha256=f"{place:064x}", is_baseline=place == 0,
        )
        Entry.objects.filter(pk=entry.pk).update(created=received)
        quality = 1 + 3 * (1 - place / number) + drawn.uniform(0, 1.5)
        run = Run.objects.create(
            entry=entry, ended=received + timedelta(minutes=4), counts=True,
            bundle_sha256=f"{board.pk:032x}{place:032x}", is_verified=place % 4 == 1,
            tier="remote" if place % 7 == 3 else "platform",
            results=json.dumps(_results(rules, board.ruleset, name, quality, received, drawn)),
        )
        Job.objects.create(
            run=run, hardware=board.hardware, state=State.DONE, reason="has a verdict"
        )
    board.has_changed()


def _with_own_evaluation(board) -> str:
    """What a host's own script says of the runs of a board. Returns: the page of one entry."""
    from mlgolf_site.entries.models import Entry, Run
    from mlgolf_site.jobs.models import Job, State

    (board.version.folder / "evaluation.py").write_text("def evaluate(run):\n    return {}\n")
    for number, run in enumerate(Run.objects.filter(entry__board=board)):
        said = [["rank of the weights", 12 - number], ["shape", "a few large weights, many small"]]
        problem = "" if number else "evaluation.py, line 9: ZeroDivisionError: division by zero"
        run.own_evaluation = {"values": said if number else [], "problem": problem}
        run.save()
        Job.objects.get_or_create(run=run, hardware=board.hardware, state=State.DONE)
    last = Entry.objects.filter(board=board).latest("pk")
    failed = Run.objects.create(
        entry=last, ended=run.ended, bundle_sha256="ab" * 32,
        own_evaluation={"values": [], "problem": "evaluation.py: it took more than 30 s"},
    )
    Job.objects.create(run=failed, hardware=board.hardware, state=State.DONE)
    board.has_changed()
    return last.get_absolute_url()


_WORDS = ("low", "rank", "muon", "tiny", "sparse", "warm", "cold", "fast", "deep", "flat", "sharp")


def _results(rules, ruleset, name, quality, received, drawn) -> dict:
    """As `mlgolf.scoring.kept_trials` keeps them."""
    from mlgolf.scoring.kept_trials import as_records

    tuning = rules.rules.tuning.under(ruleset)
    return as_records([
        _kept(rules, (name, workload, study, trial), quality, received, drawn)
        for workload in rules.workloads for study in range(tuning.studies)
        for trial in range(1, tuning.trials + 1)
    ])


def _kept(rules, at, quality, received, drawn):
    import math

    import numpy as np

    from mlgolf.core.status import Status
    from mlgolf.core.trial import Trial
    from mlgolf.core.trial_key import TrialKey
    from mlgolf.scoring.kept_trials import KeptTrial
    from mlgolf.scoring.objective import TrialResult

    name, workload, study, trial = at
    row, none = rules.workloads[workload], np.empty(0)
    best = row.par.value if row.par else 5.0
    seconds = drawn.uniform(2, 9)
    value = abs(best) * (0.9 + 0.25 * quality) * drawn.uniform(0.97, 1.03)
    missed = quality > 2 and drawn.random() < 0.06
    if rules.rules.objective_quantity.accumulates:
        seconds = value
    key = TrialKey(
        submission=name, framework="torch", workload=workload, study=study, trial=trial
    )
    made = Trial(
        key=key, seed=1000 * study + trial, hyperparameters={}, status=Status.TARGET_REACHED,
        reason="made up", steps=none.astype(np.int64), seconds=none, cpu_seconds=none,
        wall_seconds=none, metrics={}, received=received,
    )
    objective = math.inf if missed else value
    return KeptTrial(trial=made, reason=None, result=TrialResult(
        submission=name, workload=workload, study=study, trial=trial, objective=objective,
        seconds=math.inf if missed else seconds, choice=objective,
        evaluation=math.inf if missed else 3.0, spent=10.0,
        bits=math.inf if missed else 2000 + 9000 / quality * drawn.uniform(0.6, 1.4),
    ))


def _in_states(board, owner) -> Iterator[tuple[str, str]]:
    """An entry in each state that one can be found in."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.utils import timezone
    from mlgolf_site.entries.models import Entry, Event, Run
    from mlgolf_site.jobs.models import Job, State

    reasons = {
        State.QUEUED: "", State.PLAYING: "a worker of the class one-thread-cpu plays it",
        State.DONE: "has a verdict", State.REFUSED: "entry.py has no function play",
        State.FAILED: "its worker was lost 3 times", State.CANCELLED: "cancelled by kim",
    }
    for state, reason in reasons.items():
        entry = Entry.objects.create(
            board=board, contest=board.version.contest, name=f"kims-{state.value}", owner=owner,
            code_sha256="ab" * 32,
            disclosure={"licence": "MIT", "tuned_on": ["this competition"], "runs": 40},
        )
        default_storage.save(entry.archive, ContentFile(_code(entry.name)))
        run = Run.objects.create(entry=entry)
        Job.objects.create(
            run=run, hardware="unbounded" if state == State.QUEUED else board.hardware,
            state=state, reason=reason,
            lease_until=timezone.now() + timedelta(hours=9) if state == State.PLAYING else None,
        )
        if state != State.QUEUED:
            _events(run, Event)
        yield state.value, entry.get_absolute_url()
        if state == State.DONE:
            _with_verdict(run, board, entry.name)


def _with_verdict(run, board, name: str) -> None:
    """As `boards.services.take_in` leaves a run, from evaluations that are made up."""
    from dataclasses import asdict

    from django.utils import timezone
    from mlgolf_site.boards.services import as_json

    from mlgolf.report.figures import draw_figures
    from mlgolf.report.view import review_view
    from mlgolf.scoring.kept_trials import as_records, keep_trials
    from mlgolf.scoring.review import review_trials

    rules, ruleset = board.competition, board.ruleset
    studies = rules.rules.tuning.under(ruleset).studies
    trials = [_evaluated(rules, name, study) for study in range(studies)]
    review = review_trials(rules, trials, ruleset)
    run.results = json.dumps(as_records(list(keep_trials(rules, trials, ruleset))))
    run.view = as_json(asdict(review_view(review)))
    run.figures = {
        figure.sketch.name: {
            "title": figure.sketch.title, "caption": figure.sketch.caption, "svg": figure.whole,
        }
        for figure in draw_figures(review, trials)
    }
    run.ended, run.counts, run.bundle_sha256 = timezone.now(), True, "cd" * 32
    run.signed_by, run.is_verified = "ef" * 32, True
    run.save()
    board.has_changed()


def _evaluated(rules, name: str, study: int):
    """A trial whose models keep all bounds from the second on; the last one misses them."""
    import numpy as np

    from mlgolf.core.quantities import quantity
    from mlgolf.core.records import VerdictRecord
    from mlgolf.core.status import Status
    from mlgolf.core.trial import Trial
    from mlgolf.core.trial_key import TrialKey

    (workload,) = rules.scored_workloads
    row, objective = rules.workloads[workload], rules.rules.objective_quantity
    steps = np.arange(1, 9)
    seconds = steps * 0.9 + 0.05 * study
    metrics = {
        quantity(target.metric).column_for(row.metric): np.where(
            (steps > 1) & (study < 4), 0.7 * target.value, 3 * target.value
        )
        for target in rules.rules.targets(row) if not quantity(target.metric).is_of_a_clock
    }
    best = row.par.value if row.par else 10.0
    metrics[objective.column_for(row.metric)] = best * (1 + 4 / steps + 0.03 * study)
    return Trial(
        key=TrialKey(submission=name, framework="torch", workload=workload, study=study, trial=1),
        seed=7 + study, hyperparameters={}, status=Status.FINISHED, reason="play returned",
        steps=steps, seconds=seconds, cpu_seconds=seconds, wall_seconds=seconds, metrics=metrics,
        verdict=VerdictRecord(status=Status.FINISHED, reason="play returned"),
    )


def _code(name: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(f"{name}/entry.py", _EXAMPLE)
        archive.writestr(f"{name}/README.md", "What it does, in a line.\n")
    return written.getvalue()


_EXAMPLE = '''"""Shrink what is not needed."""

import numpy as np


def play(game):
    weights = game.zeros()
    for step in range(1000):  # until the budget is spent
        weights -= 0.1 * np.sign(weights)
    game.submit(weights)
'''


def _events(run, Event) -> None:
    told = [
        ("state", {"state": "playing", "reason": "taken by a worker"}),
        ("log", {"line": "seed 1 of 5"}),
        *(("evaluation", {
            "trial": "study_0/trial_1", "step": 10 * n, "seconds": 0.3 * n,
            "metrics": {"train/loss": 2 / (n + 1), "train/error_rate": 0.4 / (n + 1)},
        }) for n in range(1, 25)),
        ("log", {"line": "<b>markup</b> of a log is text"}),
    ]  # fmt: skip
    Event.objects.bulk_create([
        Event(run=run, number=number, kind=kind, data=data)
        for number, (kind, data) in enumerate(told, 1)
    ])


def populated(folder: Path) -> list[Shown]:
    """The pages of a site that is served, filled by a process of its own."""
    import subprocess

    done = subprocess.run(
        [sys.executable, __file__, str(folder)], capture_output=True, text=True,
        env={key: value for key, value in os.environ.items() if key != "MLGOLF_SITE"},
    )
    assert done.returncode == 0, done.stderr
    return [Shown(**page) for page in json.loads(done.stdout.splitlines()[-1])]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

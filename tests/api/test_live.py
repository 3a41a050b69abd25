"""What the lines of progress say, where a trial goes on for a better value."""

import io

from one_workload import SMALLEST, run
from plans import plan
from rich.console import Console
from synthetic_trials import competition, run_record, trial, workload_rules

from mlgolf.api.live import Display, shortfall
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.results.run_folder import create_run


class Shown:
    """A display of one trial, and what was printed."""

    def __init__(self, planned, rules=SMALLEST, done=()) -> None:
        self.written = io.StringIO()
        console = Console(file=self.written, width=400, force_terminal=False)
        self.display = Display([planned], [planned], done, rules, console)
        self.display.begin(planned)

    def after(self, *rows: Row) -> str:
        for row in rows:
            self.display.row(row)
        return self.display.lines()[-1]

    def ended(self, played: Trial) -> str:
        self.display.ended(played)
        return self.written.getvalue()


SMALL = plan(
    rules=SMALLEST.rules, workload_rules=SMALLEST.workloads["digits"], ruleset="self",
    key=run("a").key,
)  # fmt: skip


def row(l2: float, loss: float, seconds: float = 1.0) -> Row:
    return Row(
        step=1, reading=Reading(seconds, seconds, seconds), model_sha256="", charged=0.0,
        metrics={"model/l2": l2, "train/loss": loss, "train/loss_max": loss},
    )


def test_the_trial_under_way_shows_its_best_value_that_keeps_the_bounds():
    shown = Shown(SMALL)
    assert "L2 norm 3, no valid model yet" in shown.after(row(3.0, 0.5))
    assert "L2 norm 9, best valid 9" in shown.after(row(9.0, 0.001))
    assert "L2 norm 12, best valid 9" in shown.after(row(12.0, 0.001))
    assert "L2 norm 8, best valid 8" in shown.after(row(8.0, 0.001))


def test_a_model_after_the_deadline_is_no_valid_one():
    assert "no valid model yet" in Shown(SMALL).after(row(3.0, 0.001, seconds=31.0))


def test_a_trial_that_ended_is_told_with_verdict_value_and_reason():
    line = Shown(SMALL).ended(run("a", l2=[9.0], reason="play() returned after 1 steps"))
    assert "[1/1] ✓ " in line
    assert "QUALIFIED  l2 9  " in line
    assert "play() returned after 1 steps" in line


def test_one_that_did_not_qualify_is_told_what_to_change():
    line = Shown(SMALL).ended(run("a", l2=[9.0], loss=[0.5], status=Status.OUT_OF_TIME))
    assert "[1/1] · " in line
    assert "OUT_OF_TIME" in line
    assert "to change: train_loss is 0.5 at best" in line


def test_how_many_qualified_is_counted_also_of_those_that_ended_before():
    shown = Shown(SMALL, done=[run("a", l2=[9.0])])
    assert "1 qualified" in shown.display.lines()[0]
    shown.ended(run("a", l2=[9.0], loss=[0.5]))
    assert "1 qualified" in shown.display.lines()[0]


def test_where_time_is_minimised_a_trial_is_told_by_how_it_ended():
    rules = competition()
    played = trial("a", seconds=[1], values=[0.1], status=Status.TARGET_REACHED)
    planned = plan(
        rules=rules.rules, workload_rules=rules.workloads["digits"], ruleset="self",
        key=played.key,
    )
    assert "TARGET_REACHED" in Shown(planned, rules).ended(played)


LADDER = competition(
    {
        f"digits_x{n}": workload_rules(workload="digits", step_limit=100 * n, step_hint=100 * n)
        for n in (1, 2)
    },
    objective="validation_metric",
    constraints=[
        {"quantity": "steps", "bound": "step_limit"},
        {"quantity": "time", "bound": "budget_seconds"},
    ],
)


def shown_of_ladder(**options):
    played = trial("a", "digits_x1", seconds=[1], values=[0.25])
    planned = plan(
        rules=LADDER.rules, workload_rules=LADDER.workloads["digits_x1"], key=played.key
    )
    return Shown(planned, LADDER, **options)


def test_a_trial_of_a_ladder_that_ended_as_planned_is_told_with_its_point():
    shown = shown_of_ladder()
    line = shown.ended(trial("a", "digits_x1", seconds=[1], values=[0.25]))
    assert "✓ a/study_0/digits_x1_torch/trial_1  FINISHED  error_rate 0.25" in line
    assert "1 are points of curves" in shown.display.lines()[0]


def test_a_trial_of_a_ladder_that_broke_off_is_no_point_though_it_keeps_all_bounds():
    shown = shown_of_ladder()
    line = shown.ended(
        trial("a", "digits_x1", seconds=[1], values=[0.25], status=Status.OUT_OF_TIME)
    )
    assert "· a/study_0" in line
    assert "OUT_OF_TIME, no point of its curve" in line
    assert "QUALIFIED" not in line
    assert "0 are points of curves" in shown.display.lines()[0]


def test_a_ladder_of_which_no_trial_is_a_point_came_to_nothing(tmp_path):
    run_of_ladder, lock = create_run(tmp_path / "run", run_record(competition=LADDER))
    lock.release()
    broke_off, ended = (
        trial("a", "digits_x1", seconds=[1], values=[0.25], status=status)
        for status in (Status.OUT_OF_TIME, Status.FINISHED)
    )
    assert "no trial trained to an end" in shortfall([broke_off], "--resume", run_of_ladder)
    assert shortfall([broke_off, ended], "--resume", run_of_ladder) == ""


def test_a_disturbed_trial_is_told_with_the_reason_and_the_number_of_its_attempt():
    header = {"disturbed": "other programs kept 0.9 of 1 core busy beside it", "repeated": 1}
    rules, played = competition(), trial("a", seconds=[1], values=[0.1], header=header)
    planned = plan(
        rules=rules.rules, workload_rules=rules.workloads["digits"], ruleset="self",
        key=played.key,
    )
    line = Shown(planned, rules).ended(played)
    assert "disturbed: other programs kept 0.9 of 1 core busy beside it; attempt 2" in line


def test_a_trial_that_is_played_again_is_told_why():
    shown = Shown(SMALL)
    shown.display.again("the probe took longer")
    assert "is played again, disturbed: the probe took longer" in shown.written.getvalue()
    assert shown.display.lines()[-1] == "starting"

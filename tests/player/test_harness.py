"""What the loop hands to the five functions, and what it takes from them."""

import socket
import threading
from pathlib import Path
from types import MappingProxyType

import pytest

from mlgolf.backends import load_backend
from mlgolf.backends.short_form import ScheduleEnded
from mlgolf.core.competition import load_competition
from mlgolf.core.messages import Evaluated, Finished, Submitted
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import TrainingCompleteError
from mlgolf.player.channel import Board, Channel, anonymous_memory
from mlgolf.player.handover import Handover
from mlgolf.player.harness import Harness, prepare
from mlgolf.player.link import Link
from mlgolf.player.submission import Submission, as_hyperparameters
from mlgolf.player.workload import WorkloadFacade

LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"
UPDATE = """workload current_param_container current_params_types model_state hyperparameters batch
loss_type optimizer_state eval_results global_step rng""".split()
STATE = {
    "validation_goal_reached", "test_goal_reached", "is_time_remaining", "last_eval_time",
    "training_complete", "accumulated_submission_time", "accumulated_eval_time",
    "accumulated_logging_time", "last_step_end_time",
}


class Recorder:
    """A submission that keeps what it is called with, and stops after `steps`."""

    def __init__(self, steps: int, ending: type[Exception] = TrainingCompleteError) -> None:
        self.ending = ending
        self.steps, self.updates, self.prepared, self.inits = steps, [], [], []

    def init_optimizer_state(self, *arguments):
        self.inits.append(arguments)
        return "state 0"

    def data_selection(self, workload, input_queue, *rest):
        self.selection_arguments = rest
        return input_queue  # need not be a batch: some submissions draw several

    def update_params(self, **arguments):
        arguments["eval_results"] = list(arguments["eval_results"])
        self.updates.append(arguments)
        if len(self.updates) == self.steps:
            raise self.ending
        module = arguments["current_param_container"]
        return f"state {len(self.updates)}", module, None

    def prepare_for_eval(self, **arguments):
        self.prepared.append(arguments)
        return "prepared", arguments["current_param_container"], None


def played(
    steps: int, evaluate_at: int, *, train_state: bool = False,
    ending: type[Exception] = TrainingCompleteError,
):
    ours, theirs = socket.socketpair()
    referee, answers = Channel(ours), []
    recorder = Recorder(steps, ending)
    backend = load_backend("torch")
    workload = load_workload("linear")
    workload_rules = load_competition(LINEAR).workloads["linear"]
    board = Board(anonymous_memory("test", Board.BYTES))
    board.evaluate_at = evaluate_at
    facade = WorkloadFacade(workload, workload.size("mini"), workload_rules, backend, {})
    start = prepare(facade, backend, {"learning_rate": 0.1}, seed=1)
    link = Link(Channel(theirs), board, Handover(bytearray(1 << 16)))
    submission = Submission(
        file=Path("s.py"), get_batch_size=lambda name: 1,
        init_optimizer_state=recorder.init_optimizer_state,
        update_params=recorder.update_params, data_selection=recorder.data_selection,
        prepare_for_eval=recorder.prepare_for_eval, wants_train_state=train_state,
        search_space=None,
    )

    def answer() -> None:
        while True:
            message = referee.receive()
            answers.append(message)
            if isinstance(message, Finished):
                return
            board.evaluate_at = message.step + evaluate_at
            state = {
                "validation_goal_reached": message.step == 2, "test_goal_reached": False,
                "is_time_remaining": True, "accumulated_submission_time": 1.5,
            }
            referee.send(Evaluated(message.step, {"validation/loss": 0.5}, state))

    thread = threading.Thread(target=answer)
    thread.start()
    Harness(start, submission, link).train(iter(()))
    thread.join(timeout=10)
    return recorder, answers, board


def test_update_params_gets_algoperfs_keywords():
    recorder, _, _ = played(2, 10)
    assert list(recorder.updates[0]) == UPDATE


def test_train_state_is_passed_only_to_who_asks_and_is_read_only():
    recorder, _, _ = played(2, 10, train_state=True)
    state = recorder.updates[0]["train_state"]
    assert isinstance(state, MappingProxyType)
    assert set(state) == STATE


def test_the_step_that_ends_training_counts_and_is_evaluated():
    recorder, answers, board = played(3, 100)
    assert [type(a) for a in answers] == [Submitted, Finished]
    assert (answers[0].step, board.step, len(recorder.prepared)) == (3, 3, 1)


def test_a_step_that_the_schedule_left_no_rate_for_does_not_count():
    recorder, answers, board = played(4, 2, ending=ScheduleEnded)
    assert [(type(a), a.step) for a in answers] == [(Submitted, 2), (Submitted, 3), (Finished, 3)]
    assert (board.step, len(recorder.prepared)) == (3, 2)
    assert answers[-1].reason == "the schedule ended at the step hint (learning rate 0)"


def test_a_model_that_was_just_evaluated_is_not_evaluated_again_at_the_end():
    _, answers, _ = played(5, 2, ending=ScheduleEnded)
    assert [(type(a), a.step) for a in answers] == [(Submitted, 2), (Submitted, 4), (Finished, 4)]


def test_evaluations_fall_on_the_step_that_the_flag_names():
    _, answers, _ = played(7, 2)
    assert [a.step for a in answers if isinstance(a, Submitted)] == [2, 4, 6, 7]


def test_results_are_told_as_pairs_of_step_and_metrics():
    recorder, _, _ = played(5, 2)
    (first, told), (second, _) = recorder.updates[4]["eval_results"]
    assert (first, second) == (2, 4)
    assert told["validation/loss"] == 0.5
    assert told["score"] == told["accumulated_submission_time"] == 1.5
    assert told.keys() >= {"total_duration", "validation/num_examples", "accumulated_eval_time"}


def test_a_goal_once_reached_stays_reached():
    recorder, _, _ = played(5, 2, train_state=True)
    assert recorder.updates[4]["train_state"]["validation_goal_reached"] is True


def test_what_prepare_for_eval_returns_goes_on():
    recorder, _, _ = played(4, 2)
    states = [update["optimizer_state"] for update in recorder.updates]
    assert states == ["state 0", "state 1", "prepared", "state 3"]


def test_what_data_selection_returns_is_passed_on_untouched():
    recorder, _, _ = played(1, 10)
    assert not isinstance(recorder.updates[0]["batch"], dict)


def test_hyperparameters_are_a_namedtuple_of_algoperfs_name():
    recorder, _, _ = played(1, 10)
    hyperparameters = recorder.updates[0]["hyperparameters"]
    assert type(hyperparameters).__name__ == "Hyperparameters"
    assert hyperparameters.learning_rate == 0.1
    assert as_hyperparameters(None) is None


def test_keys_differ_from_step_to_step_and_from_use_to_use():
    recorder, _, _ = played(3, 10)
    keys = {tuple(update["rng"]) for update in recorder.updates}
    assert len(keys) == 3
    assert tuple(recorder.selection_arguments[-1]) not in keys


@pytest.mark.parametrize("returned", [None, (1, 2)])
def test_a_wrong_return_is_a_submission_error(returned):
    from mlgolf.core.errors import SubmissionError

    harness = object.__new__(Harness)
    with pytest.raises(SubmissionError, match="must return the 3-tuple"):
        harness._take("update_params", returned)

"""The verdict on a submission that trains honestly but for one line, on the one-second workload."""

from pathlib import Path

from mlgolf.core.competition import load_competition
from mlgolf.core.trial import Trial
from mlgolf.engines.local import OneAtATime
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.referee.trial import play_trial

LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"
HONEST = """
import os, torch
from mlgolf.core import spec
def get_batch_size(name): return 32
def init_optimizer_state(workload, params, model_state, hyperparameters, rng):
    return {"optimizer": torch.optim.SGD(params.parameters(), lr=0.01)}
def data_selection(workload, input_queue, *_): return next(input_queue)
def update_params(workload, current_param_container, optimizer_state, model_state, batch,
                  global_step, rng, **_):
    optimizer_state["optimizer"].zero_grad()
    logits, _ = workload.model_fn(
        current_param_container, batch, model_state, spec.ForwardPassMode.TRAIN, rng, True)
    loss = workload.loss_fn(batch["targets"], logits)
    (loss["summed"] / loss["n_valid_examples"]).backward()
    optimizer_state["optimizer"].step()
    TRICK
    return optimizer_state, current_param_container, model_state
"""


def judged(
    tmp_path: Path, data_dir: Path, trick: str, top: str = "", *, every: int = 50,
    budget: float = 0.5,
) -> Trial:
    """A trial of a submission that trains honestly, but for one line in each step.

    Args: top: what stands above it in its file. Nothing meets the target.
    """
    file = tmp_path / "trick.py"
    file.write_text(top + HONEST.replace("TRICK", trick))
    competition = load_competition(LINEAR)
    workload_rules = competition.workloads["linear"].model_copy(
        update={
            "bounds": {"target": -1.0, "budget_seconds": budget}, "eval_every_steps": every,
        }
    )
    request = RunRequest(
        submissions=(str(file),),
        competition=competition.model_copy(update={"workloads": {"linear": workload_rules}}),
        ruleset="self", studies=1, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )
    ended: list[Trial] = []
    play_run(open_run(request), OneAtATime(), play_trial, ended.append)
    (trial,) = ended
    return trial

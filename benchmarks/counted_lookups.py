"""What does counting a submission's look-ups cost a step, as a share of a step of 5 ms?

A step of a submission looks up five members of its workload: model_fn, loss_fn and three numbers.
CPU seconds of this thread, best of interleaved rounds, so that neighbours disturb little.
"""

import time

from common import print_machine

from mlgolf.backends import load_backend
from mlgolf.core.registry import load_workload
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.player.touched import counted
from mlgolf.player.workload import WorkloadFacade

MEMBERS = ("model_fn", "loss_fn", "step_hint", "loss_type", "num_train_examples")
STEP_SECONDS = 5e-3
STEPS, ROUNDS = 2_000, 15
HAND_OVERS = 100  # evaluations of a trial, of which each tells the counts


def seconds_per_step(workload: WorkloadFacade) -> float:
    began = time.thread_time()
    for _ in range(STEPS):
        for name in MEMBERS:
            getattr(workload, name)
    return (time.thread_time() - began) / STEPS


def main() -> None:
    print_machine()
    workload = load_workload("linear")
    rules = WorkloadRules(
        metric="loss", goal=Goal.MINIMISE, step_hint=2000, eval_every_steps=100, provenance="none"
    )
    backend = load_backend("torch")
    plain = WorkloadFacade(workload, workload.size("mini"), rules, backend, {})
    began = time.thread_time()
    view, counts = counted(plain)
    made = time.thread_time() - began
    pairs = [(seconds_per_step(plain), seconds_per_step(view)) for _ in range(ROUNDS)]
    bare, ours = (min(column) for column in zip(*pairs, strict=True))
    assert counts["model_fn"] == STEPS * ROUNDS
    began = time.thread_time()
    for _ in range(HAND_OVERS):
        dict(counts)
    told = time.thread_time() - began
    print(
        f"counting {len(MEMBERS)} look-ups = {100 * (ours - bare) / STEP_SECONDS:.3f}% of a step "
        f"of {1e3 * STEP_SECONDS:g} ms ({1e6 * ours:.2f} against {1e6 * bare:.2f} µs a step); once "
        f"a trial: {1e6 * made:.0f} µs to make the view, {1e6 * told:.0f} µs to copy the counts "
        f"{HAND_OVERS} times"
    )


if __name__ == "__main__":
    main()

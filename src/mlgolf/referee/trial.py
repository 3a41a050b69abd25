"""The real parts around the protocol: from a plan to a trial on disk, and back as a record."""

import contextlib
import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from mlgolf import __version__
from mlgolf.core.errors import SandboxError, SubmissionError
from mlgolf.core.hardware import HardwareClass, load_hardware
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Players
from mlgolf.core.records import SHARED_MACHINE, TrialHeader
from mlgolf.core.trial import Trial
from mlgolf.referee.background import BackgroundLoad
from mlgolf.referee.calibration import Probe, probe
from mlgolf.referee.clock import TrialClock
from mlgolf.referee.cores import Cores, first_choice, kept_off, taken_cores
from mlgolf.referee.energy import Found, find_counters, meter_for
from mlgolf.referee.evaluate import Evaluator
from mlgolf.referee.evaluate_onnx import OnnxEvaluator
from mlgolf.referee.evaluators import evaluator_for
from mlgolf.referee.freeze import Source, check_package, fingerprint
from mlgolf.referee.levels import check_level
from mlgolf.referee.machine import machine
from mlgolf.referee.pairing import Pairing, Unpaired
from mlgolf.referee.players import ProcessPlayers, ThreadPlayers
from mlgolf.referee.protocol import Watcher, run_trial
from mlgolf.referee.turns import turns
from mlgolf.results.trial_folder import (
    TrialFolder,
    disturbed_attempts,
    is_finished,
    read_trial,
)
from mlgolf.results.trial_lock import held


def play_trial(
    plan: TrialPlan, *, cores: Cores | None = None, watcher: Watcher | None = None,
    find: Callable[[HardwareClass], Found] = find_counters,
    measure: Probe = probe,
) -> Trial:
    """Run one trial on this machine; again, where the rules say so of disturbed ones.

    Args:
      cores: the player's; None: those that are free.
      find: what counts energy here.
      measure: how fast these cores are, in seconds of the class's probe.
    Raises: RunFolderError if somebody else plays it; SubmissionError if its code has changed;
      RulesError where the rules ask for energy and nothing counts it.
    """
    check_code(plan)
    with held(plan.folder):
        if is_finished(plan.folder):  # by another worker, since it was found waiting
            return read_trial(plan.folder)
        while (trial := _attempt(plan, cores, watcher, find, measure)).to_repeat:
            if watcher:
                watcher.again(trial.disturbed)
        return trial


def _attempt(
    plan: TrialPlan, cores: Cores | None, watcher: Watcher | None,
    find: Callable[[HardwareClass], Found], measure: Probe,
) -> Trial:
    """Play a trial once, and set aside what was there of it."""
    hardware, folder = load_hardware(plan.rules.hardware), TrialFolder(plan.folder)
    counted = find(hardware)
    meter = meter_for(hardware, plan.rules.metered_quantities, counted)
    taken = taken_cores(hardware) if cores is None else contextlib.nullcontext(cores)
    with contextlib.ExitStack() as until_the_end:
        pairing = until_the_end.enter_context(paired(plan, hardware))
        cores = until_the_end.enter_context(taken)
        until_the_end.enter_context(kept_off(cores.numbers))
        evaluates = until_the_end.enter_context(contextlib.closing(evaluator(plan)))
        run_trial(
            plan, players(plan, hardware, folder, cores),
            clock=TrialClock(
                hardware.clock, helpers=evaluates.helpers_cpu_seconds, meter=meter,
                price=pairing.priced,
            ),
            store=folder, evaluator=evaluates,
            header=header(plan, hardware, evaluates.libraries, counted.in_words()),
            hardware=hardware,
            watcher=watcher, pairing=pairing,
            background=BackgroundLoad(
                hardware, cores.numbers, helpers=evaluates.helpers_cpu_seconds,
                beside_trials=plan.timing == "paired" or SHARED_MACHINE in plan.unofficial,
                probe=measure,
            ) if plan.rules.disturbed_above else None,
            repeated=disturbed_attempts(plan.folder),
        )
    return read_trial(plan.folder)


@contextlib.contextmanager
def paired(plan: TrialPlan, hardware: HardwareClass) -> Iterator[Pairing | Unpaired]:
    """What prices a trial that plays beside others, if it is to be priced."""
    if plan.timing == "alone":
        yield Unpaired()
        return
    with turns() as place:
        hint, every = plan.workload_rules.step_hint, plan.workload_rules.eval_every_steps
        expected = hint / every if hint and every else math.inf
        core = first_choice() if hardware.pin_to_one_core else None
        yield Pairing(
            place, secrets.randbits(32), expected, core, hardware.repeated_noise
        )


def check_code(plan: TrialPlan) -> None:
    """Raises: SubmissionError, RunFolderError unless the frozen copy and this package are what was
    hashed.
    """
    check_package(plan.package_sha256)
    source = Source(name=plan.key.submission, file=plan.submission_file)
    if fingerprint(source) != plan.submission_sha256:
        raise SubmissionError(
            f"the code in {plan.submission_file.parent} is not the code that was hashed. Start "
            "another run; this one cannot go on."
        )


def players(
    plan: TrialPlan, hardware: HardwareClass, folder: TrialFolder, cores: Cores
) -> Players:
    """Raises: SandboxError for a level that this machine does not give."""
    match plan.sandbox:
        case "none":
            return ThreadPlayers(hardware)
        case "process" | "bubblewrap" as level:
            check_level(level)
            return ProcessPlayers(hardware, level, cores=cores, log=folder.log_path)
    raise SandboxError(f"no trial is played at the sandbox level {plan.sandbox!r}")


def evaluator(plan: TrialPlan) -> Evaluator | OnnxEvaluator:
    return evaluator_for(
        plan.workload, plan.size, plan.key.framework, plan.data_folder, plan.rules.hardware,
        json.dumps(plan.workload_rules.definition),
    )


def header(
    plan: TrialPlan, hardware: HardwareClass,
    libraries: Mapping[str, str] = MappingProxyType({}), energy: str = "not looked for",
) -> TrialHeader:
    """trial.json: everything the trial depends on, before it starts.

    Args: energy: what counts it on this machine, in words.
    """
    return TrialHeader(
        key=plan.key,
        seed=plan.seed,
        hyperparameters=None if plan.hyperparameters is None else dict(plan.hyperparameters),
        ruleset=plan.ruleset,
        unofficial=plan.unofficial,
        submission_sha256=plan.submission_sha256,
        package_sha256=plan.package_sha256,
        data_sha256=plan.data_sha256,
        held_out=plan.held_out,
        size=plan.size,
        hardware=hardware,
        machine=machine(libraries, energy),
        calibration=plan.calibration,
        mlgolf_version=__version__,
    )

"""Which evaluator a workload needs: of the host's model, or of models that contestants bring."""

import json
from functools import lru_cache
from pathlib import Path

from mlgolf.core.hardware import load_hardware
from mlgolf.core.registry import played_workload
from mlgolf.referee.evaluate import Evaluator
from mlgolf.referee.evaluate_onnx import OnnxEvaluator


@lru_cache(maxsize=4)
def evaluator_for(
    workload: str, size: str, framework: str, data_folder: Path, hardware: str,
    definition: str = "null",
) -> Evaluator | OnnxEvaluator:
    """One evaluator serves all trials of a workload; each evaluation overwrites its model.

    Args:
      hardware: the name of a class.
      definition: of a workload that a competition declares, as JSON.
    """
    played = played_workload(workload, size, json.loads(definition))
    row, held_to = played.size(size), load_hardware(hardware)
    if played.brings_model:
        return OnnxEvaluator(played, row, framework, data_folder, held_to)
    return Evaluator(played, row, framework, data_folder, held_to.threads)

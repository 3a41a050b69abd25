"""What the honest submission of the attack suite does in whatever framework."""

from typing import Any


class HonestInAnyFramework:
    """AlgoPerf's functions, without those that compute."""

    def get_batch_size(self, workload_name: str) -> int:
        return 32

    def data_selection(self, workload: Any, input_queue: Any, *_: Any) -> Any:
        return next(input_queue)

    def prepare_for_eval(self, **given: Any) -> tuple[Any, Any, Any]:
        """`given` are AlgoPerf's arguments, by their names."""
        return given["optimizer_state"], given["current_param_container"], given["model_state"]

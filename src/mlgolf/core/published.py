"""Batch sizes of AlgoPerf's published baselines: what a submission asks for by default.

They are those of the full size; at a smaller size the harness scales what is asked for.
Source: mlcommons/submissions_algorithms, `get_batch_size` of the published baselines.
"""

from collections.abc import Mapping
from types import MappingProxyType

BATCH_SIZES: Mapping[str, int] = MappingProxyType(
    {
        "criteo1tb": 262_144,
        "fastmri": 32,
        "imagenet_resnet": 1024,
        "imagenet_vit": 1024,
        "librispeech_conformer": 256,
        "librispeech_deepspeech": 256,
        "ogbg": 512,
        "wmt": 128,
        "mnist": 16,
        "finewebedu_lm": 64,
    }
)


def published_batch_size(workload_name: str) -> int:
    """The baseline's global batch size at full size.

    Raises: ValueError for any other name, as AlgoPerf's submissions do: its runner then asks again
      with the name of the base workload.
    """
    if workload_name not in BATCH_SIZES:
        raise ValueError(
            f"no batch size was published for {workload_name!r}, only for "
            f"{', '.join(BATCH_SIZES)}. Give one of your own."
        )
    return BATCH_SIZES[workload_name]

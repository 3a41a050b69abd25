"""Which framework a script trains in: the one that it has imported. None is imported here first."""

import sys

from mlgolf.diagnosis.observe import Probe


def find_probe() -> Probe | None:
    """A probe for PyTorch where that is loaded; None elsewhere: times alone are kept."""
    if "torch" not in sys.modules:
        return None
    from mlgolf.diagnosis.probe_torch import TorchProbe

    return TorchProbe()

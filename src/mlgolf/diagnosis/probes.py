"""Which framework a script trains in: one that it has imported. None is imported here first."""

import sys
from collections.abc import Collection
from typing import Literal

from mlgolf.diagnosis.observe import Probe

TRAINERS = ("optax", "flax", "equinox")  # what trains in JAX


def find_probe() -> Probe | None:
    """None where neither framework is loaded: times alone are kept."""
    match framework_of(sys.modules.keys()):
        case "torch":
            from mlgolf.diagnosis.probe_torch import TorchProbe

            return TorchProbe()
        case "jax":
            from mlgolf.diagnosis.probe_jax import JaxProbe

            return JaxProbe()
        case None:
            return None


def framework_of(modules: Collection[str]) -> Literal["torch", "jax"] | None:
    """Where both are loaded, as by a loader of torch, it is JAX if something that trains in it is.

    Neither is asked, since that could start it up on a device.
    """
    if "jax" in modules and ("torch" not in modules or not {*TRAINERS}.isdisjoint(modules)):
        return "jax"
    return "torch" if "torch" in modules else None

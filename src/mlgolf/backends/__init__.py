"""The one seam between frameworks: all that differs besides a workload's model."""

from importlib.util import find_spec

from mlgolf.core.errors import FrameworkMissing, UnknownName
from mlgolf.core.protocols import Backend

FRAMEWORKS = ("jax", "torch")
_PARTS = {"jax": ("jax", "flax", "optax"), "torch": ("torch",)}  # of their extras


def load_backend(framework: str) -> Backend:
    """The backend of "torch" or "jax"; only that framework is imported, and only now.

    Raises: UnknownName; FrameworkMissing if it is not installed.
    """
    require(framework)
    if framework == "torch":
        from mlgolf.backends.backend_torch import TorchBackend

        return TorchBackend()
    from mlgolf.backends.backend_jax import JaxBackend

    return JaxBackend()


def require(framework: str) -> None:
    """Raises: UnknownName; FrameworkMissing if it is not installed."""
    if framework not in FRAMEWORKS:
        raise UnknownName("framework", framework, known=FRAMEWORKS)
    for part in _PARTS[framework]:
        if find_spec(part) is None:
            raise FrameworkMissing(framework, part)


def is_installed(framework: str) -> bool:
    """Raises: UnknownName."""
    try:
        require(framework)
    except FrameworkMissing:
        return False
    return True

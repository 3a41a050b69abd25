"""Which modules a file imports, and which of them a host may want to look at."""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping

from mlgolf.triage.findings import Imports, Kind, Seen
from mlgolf.triage.syntax import Code, line_of

# What mlgolf builds on, its extras, and what submissions of AlgoPerf usually import.
KNOWN = frozenset("""
    absl algoperf chex einops equinox flax haiku jax jaxlib joblib lion_pytorch matplotlib
    ml_collections mlgolf numba numpy onnx onnxruntime onnxscript optax orbax pandas PIL polars
    prodigyopt pytorch_optimizer safetensors schedulefree scipy sklearn threadpoolctl tokenizers
    torch torchaudio torchvision tqdm triton
""".split())
# Parts of mlgolf that measure, hold and score a submission: it needs none of them.
_NOT_FOR_SUBMISSIONS = frozenset("""
    api cli data engines experiments golf player referee report results scoring
""".split())
_IMPORTING = ("__import__", "import_module")


def imported(code: Code) -> Iterator[tuple[str, int, str]]:
    """Dotted names of all imports, with their lines and functions; of `from a import b`, a.b.

    What is imported by a call with a constant name is one, too. A relative import begins with dots.
    """
    for node, within in code.nodes:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield alias.name, line_of(node), within
            case ast.ImportFrom(module=module, names=names, level=level):
                start = "." * level + (module or "")
                for alias in names:
                    dot = "" if start.endswith(".") else "."
                    yield f"{start}{dot}{alias.name}", line_of(node), within
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
                called = getattr(function, "id", getattr(function, "attr", ""))
                if called in _IMPORTING and name:
                    yield name, line_of(node), within


def sorted_imports(codes: Mapping[str, Code], own: Collection[str]) -> Imports:
    """Args: own: names of modules and folders of the submission."""
    found: dict[str, set[str]] = {"standard": set(), "known": set(), "own": set(), "other": set()}
    for code in codes.values():
        for name, _, _ in imported(code):
            root = name.partition(".")[0]
            found[_origin(root, own)].add(root or name.lstrip("."))
    return Imports(**{origin: tuple(sorted(names)) for origin, names in found.items()})


def _origin(root: str, own: Collection[str]) -> str:
    """Where a module comes from; what is relative is the submission's own."""
    if not root or root in own:
        return "own"
    if root in sys.stdlib_module_names:
        return "standard"
    return "known" if root in KNOWN else "other"


def import_findings(code: Code, own: Collection[str]) -> Iterator[Seen]:
    for name, line, within in imported(code):
        root = name.partition(".")[0]
        if _origin(root, own) == "other":
            yield Seen(
                Kind.IMPORT, f"{root}: neither of the standard library, nor of its own files, nor "
                "a package that submissions usually build on", line, within,
            )
        if root == "mlgolf" and {*name.split(".")[1:2]} & _NOT_FOR_SUBMISSIONS:
            yield Seen(
                Kind.IMPORT, f"{name}: a part of mlgolf that is not for submissions", line, within
            )
        if name.endswith(".*"):
            yield Seen(
                Kind.IMPORT, f"{name}: all names at once, so what is used of it is not listed here",
                line, within,
            )


"""Facts about the source itself."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "mlgolf"
TRICKS = SOURCE / "testing" / "attacks" / "tricks"  # submissions, which import what they like
FRAMEWORKS = {
    "torch": ({"torch"}, "_torch.py", SOURCE / "torch.py"),
    "jax": ({"jax", "jaxlib", "flax", "optax", "chex"}, "_jax.py", SOURCE / "jax.py"),
}



def imported(file: Path) -> set[str]:
    """First parts of every absolute import of a file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_is_imported_only_where_the_file_says_so(framework):
    packages, ending, face = FRAMEWORKS[framework]
    offenders = [
        str(file.relative_to(ROOT))
        for file in SOURCE.rglob("*.py")
        if not file.name.endswith(ending) and file != face and TRICKS not in file.parents
        and imported(file) & packages
    ]
    assert offenders == []


def test_no_function_is_longer_than_80_lines():
    offenders = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= 80
    ]
    assert offenders == []


def test_what_holds_a_player_needs_the_standard_library_alone():
    for name in (
        "sandbox", "supervisor", "orders", "kernel", "processes", "cpu_time", "bubblewrap",
        "control_groups", "landlock", "packs", "sandbox_mounts", "seccomp",
    ):
        outside = imported(SOURCE / "referee" / f"{name}.py") & {"numpy", "pydantic", "polars"}
        assert outside == set()


def test_the_link_to_the_referee_knows_neither_workloads_nor_frameworks():
    tree = ast.parse((SOURCE / "player" / "link.py").read_text())
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in modules if name.startswith("mlgolf")}
    assert ours == {"mlgolf.core.messages", "mlgolf.player.channel", "mlgolf.player.handover"}


def test_every_embedded_data_file_is_listed_with_its_licence():
    listed = tomllib.loads((ROOT / "LICENSES-DATA.toml").read_text())["file"]
    for entry in listed:
        assert entry.keys() >= {"path", "licence", "source"}
    paths = {entry["path"] for entry in listed}
    endings = {".csv", ".parquet", ".npy", ".npz", ".png", ".jpg", ".gz", ".svg", ".xz"}
    folders = ("src", "tests", "docs", "examples", "benchmarks")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    embedded = {name for name in files.split("\0") if Path(name).suffix in endings}
    assert embedded
    assert embedded <= paths


def test_importing_what_holds_a_player_leaves_the_places_of_modules_as_they_are():
    code = (
        "import sys; before = [*sys.path]; import mlgolf.referee.supervisor; "
        "print(before == sys.path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"

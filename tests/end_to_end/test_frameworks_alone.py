"""Each framework suffices: the package as it ships, in an environment without the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINEAR = Path(__file__).with_name("linear.toml")
SUBMISSIONS = {
    "torch": (
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "submission = from_optimizer(torch.optim.AdamW, search_space=[{'learning_rate': 0.02}])\n"
    ),
    "jax": (
        "import optax\nfrom mlgolf.jax import from_optimizer\n"
        "submission = from_optimizer(optax.adamw, search_space=[{'learning_rate': 0.02}])\n"
    ),
}
OTHER = {"torch": "jax", "jax": "torch"}


@pytest.mark.long
@pytest.mark.parametrize("framework", SUBMISSIONS)
def test_a_framework_alone_is_enough_to_run_a_trial(framework, tmp_path, data_dir):
    environment = {**os.environ, "MLGOLF_DATA_DIR": str(data_dir)}
    binaries = tmp_path / "venv" / "bin"

    def call(program: str, *arguments: object) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [str(binaries / program), *map(str, arguments)],
            capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    index = os.environ.get("TORCH_INDEX")
    call(
        "pip", "install", "--quiet", "--no-compile", "-c", ROOT / "constraints.txt",
        *(["--extra-index-url", index] if index else []), f"{ROOT}[{framework}]",
    )
    find = f"from importlib.util import find_spec; print(find_spec('{OTHER[framework]}'))"
    assert call("python", "-c", find).stdout.strip() == "None"
    submission = tmp_path / "adamw.py"
    submission.write_text(SUBMISSIONS[framework])
    call(
        "mlgolf", "run", submission, "--framework", framework, "--competition", LINEAR,
        "--trials", 1, "--seed", 1, "--out", tmp_path / "run",
    )
    verdict = next((tmp_path / "run").rglob("verdict.json")).read_text()
    assert "TARGET_REACHED" in verdict

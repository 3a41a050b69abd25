"""A budget from its TOML file."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from mlgolf.analysis.deployment.budget import Budget
from mlgolf.core.errors import DeploymentError, did_you_mean
from mlgolf.core.text import invalid


def read_budget(path: Path) -> Budget:
    """Raises: DeploymentError naming the file, the key, what was found and what is allowed."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeploymentError(f"{path}: no TOML: {error}") from None
    known = [*Budget.model_fields]
    for key in table:
        if key not in known:
            raise DeploymentError(
                f"{path}: unknown key {key!r}. {did_you_mean(key, known)}Known: "
                f"{', '.join(known)}"
            )
    try:
        return Budget.model_validate(table)
    except ValidationError as error:
        raise DeploymentError(
            "\n".join(f"{path}: {invalid(one)}" for one in error.errors())
        ) from None

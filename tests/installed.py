"""A package in a folder, with what an installer writes beside it."""

from pathlib import Path


def install(folder: Path, name: str, code: str, **entry_points: str) -> Path:
    """Args: entry_points: group (without "mlgolf.") -> a line such as "mine = module:OBJECT".

    Returns: the module.
    """
    module = folder / f"{name}.py"
    module.write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = (f"[mlgolf.{group}]\n{line}\n" for group, line in entry_points.items())
    (info / "entry_points.txt").write_text("".join(groups))
    return module

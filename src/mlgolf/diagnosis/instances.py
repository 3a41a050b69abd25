"""Instance types by name, from a dated table."""

from importlib.resources import files
from typing import Any

from mlgolf.analysis.diagnosis.what_if import Instance
from mlgolf.core.errors import UnknownName
from mlgolf.core.toml_files import read_table

FILE = files("mlgolf.diagnosis") / "instances.toml"
GIGA, TERA = 1e9, 1e12


def instances() -> dict[str, Instance]:
    return {row["name"]: _instance(row) for row in read_table(FILE)["instance"]}


def instance(name: str) -> Instance:
    """Raises: UnknownName, with those that there are."""
    known = instances()
    if name not in known:
        raise UnknownName("instance type", name, known=known)
    return known[name]


def _instance(row: dict[str, Any]) -> Instance:
    return Instance(
        name=row["name"], cores=row["cores"], memory_bytes=row["memory_gb"] * GIGA,
        accelerator=row["accelerator"], accelerators=row["accelerators"],
        device_memory_bytes=row["device_memory_gb"] * GIGA, flops=row["tflops"] * TERA,
        flops_tf32=row.get("tflops_tf32", 0.0) * TERA, bandwidth=row["bandwidth_gbs"] * GIGA,
        host_link=row["host_link_gbs"] * GIGA, network=row["network_gbs"] * GIGA,
        device_link=row.get("device_link_gbs", 0.0) * GIGA,
        dollars_per_hour=row["dollars_per_hour"], date=row["date"], source=row["source"],
    )

"""Hardware classes: what a player runs on, and which clock rules there.

Each is a TOML file in `competitions/hardware/`. The referee builds the player's environment from it
and from nothing else, so that two machines of a class differ in silicon only. A file may say that
its class is `like` another one, and then gives only what differs.
"""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mlgolf.core.errors import UnknownName
from mlgolf.core.toml_files import SHIPPED, read_table, validated


class Reference(BaseModel):
    """The machine whose seconds the budgets of a class are in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    probe_seconds: float = Field(gt=0)  # what one round of the probe takes there
    # Seconds of one piece of work, measured twice on machines of equal speed, differ by less.
    noise: float = Field(gt=0)


class Limits(BaseModel):
    """How long a player may keep the referee waiting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    setup_seconds: float = Field(gt=0)  # for what is off the clock
    # Thawed wall time, times the budget; for who works, times `hung_seconds` where that is longer.
    wall_time_factor: float = Field(ge=1)
    hung_seconds: float = Field(gt=0)  # without a step it is hung after the larger of these
    hung_steps: float = Field(gt=0)  # times its median step
    # Where the clock is CPU time: as much wall time in which it uses less than this of a core, and
    # so many times as much wall time however busy it is. Records of before have neither.
    hung_core_share: float = Field(default=0.02, gt=0, le=1)
    hung_wall_factor: float = Field(default=20.0, ge=1)


class HardwareClass(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    meaning: str
    threads: int = Field(default=0, ge=0)  # 0: no limit
    memory_bytes: int = Field(gt=0)
    accelerator: str | None = None
    clock: Literal["cpu", "wall"]
    pin_to_one_core: bool = False
    # Seconds of a trial that is played again vary by this (standard deviation, a share) beyond what
    # its own segments show; the interval of paired timing counts it. No part of a run's rules.
    repeated_noise: float = Field(default=0.0, ge=0, exclude=True)
    # An evaluation is off the clock up to this share of the clock time since the one before.
    evaluation_share: float = Field(default=0.25, ge=0)
    limits: Limits
    dollars_per_hour: float | None = Field(default=None, gt=0)  # of its reference machine
    # Words, and no part of what a run was begun with: they may be written better later.
    dollars_per_hour_provenance: str = Field(default="", exclude=True)
    reference: Reference | None = None  # None: budgets are in each machine's own seconds
    environment: dict[str, str] = Field(default_factory=dict)  # allocator and thread settings
    # What energy is counted by: the processor's own counters, or those of NVIDIA's GPUs.
    meter: Literal["rapl", "nvml"] = "rapl"
    # Nothing here can tell whether a trial ran on such a machine: its contestant says so.
    self_reported: bool = False

    def dollars_per_second(self, speed: float = 1.0) -> float:
        """On the clock of a machine that is `speed` times as fast as the reference machine.

        A second of a faster machine does more of the work, and costs more. NaN without a price.
        """
        return math.nan if self.dollars_per_hour is None else self.dollars_per_hour / 3600 * speed


def load_hardware(name: str) -> HardwareClass:
    folder, known = SHIPPED / "hardware", hardware_names()
    if name not in known:
        raise UnknownName("hardware class", name, known=known)
    file = folder / f"{name}.toml"
    table = read_table(file)
    if like := table.pop("like", None):
        table = {**read_table(folder / f"{like}.toml"), **table}
    return validated(table, HardwareClass, file)


def hardware_names() -> list[str]:
    return sorted(f.name.removesuffix(".toml") for f in (SHIPPED / "hardware").iterdir())

"""What a plan takes for granted: each number with its source, each to be replaced by the user's."""

from dataclasses import dataclass

from mlgolf.core.arrays import FloatArray

FAILURES = (
    "one unexpected interruption per 50,000 device hours, as of 16,384 devices in 54 days: "
    "Llama 3 (2024), arXiv:2407.21783, section 3.3.4"
)
REPEATS = (
    "R_D = {worth:g} of Muennighoff et al. (2023), arXiv:2305.16264, assumed of these runs, too: "
    "their own data (data_constrained_runs) say that it is above 6, and no more"
)

EXCESS = (
    "R_N = {worth:g} of Muennighoff et al. (2023), arXiv:2305.16264, section 3, assumed as well"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Times in seconds, sizes in bytes."""

    utilisation: float  # model FLOP per peak FLOP, of training
    utilisation_range: tuple[float, float]
    utilisation_source: str
    failures_per_device_hour: float = 1 / 50_000
    spot_interruptions_per_month: float = 30.0  # of one device, where a price says nothing
    bytes_per_param: float = 16.0  # held in training: two bytes, a copy in four, Adam's two moments
    memory_share: float = 0.6  # of a device's memory, for these; the rest is for activations
    checkpoint_bytes_per_param: float = 14.0
    checkpoint_bandwidth: float = 2e9  # bytes per second and device, written
    restart_seconds: float = 600.0
    most_hours: float = 720.0  # that a run may last, unless a deadline is given
    most_devices: int = 16_384
    most_without_link: int = 8  # devices: one host; across hosts they would wait for one another
    least_link: float = 2e11  # bytes per second, both directions: below, a host's bus
    repeats_worth: float = 15.4  # R_D, where the fit has none
    excess_worth: float = 5.3  # R_N, where the fit has none

    def save_seconds(self, params: FloatArray, devices: FloatArray) -> FloatArray:
        return self.checkpoint_bytes_per_param * params / (self.checkpoint_bandwidth * devices)

"""What a model must keep to be shipped. Each bound is checked only if it is given."""

from pydantic import Field

from mlgolf.core.records import Record


class Budget(Record):
    """A budget file."""

    parity: float | None = Field(default=None, gt=0)  # largest relative difference
    changed_decisions: float | None = Field(default=None, ge=0, le=1)  # share of the examples
    quality_drop: float | None = Field(default=None, ge=0)  # against the reference
    quantised_quality_drop: float | None = Field(default=None, ge=0)  # of 8 bits, against float
    latency_p50_ms: float | None = Field(default=None, gt=0)
    latency_p95_ms: float | None = Field(default=None, gt=0)
    latency_p99_ms: float | None = Field(default=None, gt=0)
    throughput: float | None = Field(default=None, gt=0)  # examples/s, at the best batch measured
    cold_start_ms: float | None = Field(default=None, gt=0)
    memory_mb: float | None = Field(default=None, gt=0)  # of the process at its peak
    size_mb: float | None = Field(default=None, gt=0)  # of the file and what belongs to it
    # Not bounds, but where latency is measured.
    batch_size: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1)

"""What a device can do, and for how much an hour of it is sold: dated rows with their sources."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.results.measurement_table import LINE, Column, place_of, read_measurements

Kind = str  # "on_demand" or "spot"
KINDS = ("on_demand", "spot")
HOURS_PER_MONTH = 730.0
FAR_OFF = 10.0  # times the median price of a device: catalogues mark what is not sold like this

PRICE_COLUMNS = (
    Column(name="device", is_number=False),
    Column(name="kind", is_number=False, optional=True),
    Column(name="usd_per_hour", positive=True),
    Column(name="interruptions_per_month", optional=True),
    Column(name="vendor", is_number=False, optional=True),
    Column(name="date", is_number=False),
    Column(name="source", is_number=False),
)
PEAKS = ("fp16_bf16", "fp8", "fp32")
HOLDS = ("memory_gb", "memory_bw_gbs")
LINK = "link_gbs_bidirectional"
DEVICE_COLUMNS = (
    Column(name="device", is_number=False),
    *(Column(name=name, positive=True, optional=True) for name in (*PEAKS, LINK)),
    *(Column(name=name, positive=True) for name in HOLDS),
    Column(name="spec_source", is_number=False),
)
OWN_DEVICE_COLUMNS = tuple(  # of a table of prices with a device that no other table describes
    Column(name=name, positive=True, optional=True) for name in (*PEAKS, *HOLDS, LINK)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    name: str
    bf16: float  # dense FLOP per second; 0 for none
    fp8: float
    fp32: float
    memory: float  # bytes
    bandwidth: float  # bytes per second
    link: float  # bytes per second to other devices, both directions; 0: by the host's bus
    source: str

    def peak(self, precision: str) -> float:
        return {"bf16": self.bf16, "fp8": self.fp8, "fp32": self.fp32}[precision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An hour of one device at a price."""

    device: Device
    kind: Kind
    usd_per_hour: float
    interruptions_per_month: float  # of one device; NaN if nobody says
    vendor: str
    date: str
    source: str

    @property
    def named(self) -> str:
        vendor = f", {self.vendor}" if self.vendor else ""
        return f"{self.device.name}{vendor}, {self.kind.replace('_', ' ')}"

    @property
    def provenance(self) -> str:
        return f"{self.date}, {self.source}"


def read_devices(path: Path) -> dict[str, Device]:
    """Rates are given in 1e12 FLOP/s, dense; memory in 1e9 bytes, bandwidth in 1e9 bytes/s."""
    rows = read_measurements(path, DEVICE_COLUMNS)
    return {
        row["device"]: _device(row, row["spec_source"]) for row in rows.iter_rows(named=True)
    }


def _device(row: Mapping[str, Any], source: str) -> Device:
    return Device(
        name=row["device"], bf16=1e12 * (row.get("fp16_bf16") or 0),
        fp8=1e12 * (row.get("fp8") or 0), fp32=1e12 * (row.get("fp32") or 0),
        memory=1e9 * row["memory_gb"], bandwidth=1e9 * row["memory_bw_gbs"],
        link=1e9 * (row.get(LINK) or 0), source=source,
    )  # fmt: skip


def read_offers(path: Path, devices: Mapping[str, Device]) -> list[Offer]:
    """Args: devices: those that are described elsewhere; a row may describe another, or this one
      otherwise, by a peak, memory_gb and memory_bw_gbs.
    Raises: RunFolderError for a price that cannot be, or a device that nobody describes.
    """
    rows = read_measurements(path, (*PRICE_COLUMNS, *OWN_DEVICE_COLUMNS))
    if "kind" not in rows.columns:
        rows = rows.with_columns(kind=pl.lit("on_demand"))
    rows = rows.with_columns(pl.col("kind").fill_null("on_demand"))
    for row in rows.iter_rows(named=True):
        if row["kind"] not in KINDS:
            raise RunFolderError(
                f"{place_of(path, row[LINE])}: kind: found {row['kind']!r}, allowed: "
                f"{', '.join(KINDS)}"
            )
        if row["device"] not in devices and not _describes(row):
            raise UnknownName(
                f"device of {place_of(path, row[LINE])}", row["device"], known=devices,
                remedy=f"Or describe it in its row: {' or '.join(PEAKS)} (1e12 dense FLOP/s), "
                f"{' and '.join(HOLDS)}, perhaps {LINK}.",
            )
    _check_prices(path, rows)
    return [
        Offer(
            device=_device(row, row["source"]) if _describes(row) else devices[row["device"]],
            kind=row["kind"], usd_per_hour=row["usd_per_hour"],
            interruptions_per_month=_number(row.get("interruptions_per_month")),
            vendor=row.get("vendor") or "", date=row["date"], source=row["source"],
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip


def _describes(row: Mapping[str, Any]) -> bool:
    """Whether a row of prices says what its device can do."""
    return any(row.get(name) for name in PEAKS) and all(row.get(name) for name in HOLDS)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _check_prices(path: Path, rows: pl.DataFrame) -> None:
    """Catalogues hold prices of what is not sold, and spot above on demand."""
    median = pl.col("usd_per_hour").median().over("device")
    ratio = pl.col("usd_per_hour") / median
    several = pl.len().over("device") > 2
    off = rows.filter(several & ((ratio > FAR_OFF) | (ratio < 1 / FAR_OFF)))
    if len(off):
        line, device, price = off.select(LINE, "device", "usd_per_hour").row(0)
        raise RunFolderError(
            f"{place_of(path, line)}: usd_per_hour: found {price:g} for {device}, more than "
            f"{FAR_OFF:g} times off the median of its prices. Prices are dollars per device and "
            "hour; leave out what is not sold"
        )
    if "vendor" in rows.columns:
        key = ["device", "vendor", "date"]
        listed = rows.filter(kind="on_demand").select(*key, listed="usd_per_hour")
        dear = rows.filter(kind="spot").join(listed, on=key).filter(
            pl.col("usd_per_hour") > pl.col("listed")
        )
        if len(dear):
            line, price, most = dear.select(LINE, "usd_per_hour", "listed").row(0)
            raise RunFolderError(
                f"{place_of(path, line)}: usd_per_hour: found {price:g} for spot, which is above "
                f"the {most:g} on demand"
            )


def offers_of(
    offers: Sequence[Offer], *, devices: Sequence[str] = (), without: Sequence[str] = (),
    kind: Kind | None = None,
) -> list[Offer]:
    """Args: devices, without: names; all devices unless some are given.

    Raises: UnknownName for a device that nobody sells here, or another kind.
    """
    known = {offer.device.name for offer in offers}
    for name in (*devices, *without):
        if name not in known:
            raise UnknownName("device with a price", name, known=known)
    if kind is not None and kind not in KINDS:
        raise UnknownName("kind", kind, known=KINDS)
    return [
        offer for offer in offers
        if offer.device.name in (devices or known) and offer.device.name not in without
        and kind in (None, offer.kind)
    ]  # fmt: skip


def cheapest_of(offers: Sequence[Offer]) -> list[Offer]:
    """Of offers that differ in nothing but their price and who asks it, the cheapest."""
    found: dict[tuple[Device, Kind, str], Offer] = {}
    for offer in offers:
        key = (offer.device, offer.kind, str(offer.interruptions_per_month))
        if key not in found or offer.usd_per_hour < found[key].usd_per_hour:
            found[key] = offer
    return [*found.values()]

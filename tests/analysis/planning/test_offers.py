import pytest

from mlgolf.analysis.planning.offers import (
    Device,
    cheapest_of,
    offers_of,
    read_devices,
    read_offers,
)
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.data.tables import published_table

DEVICES = read_devices(published_table("gpus"))
HEAD = "device,kind,usd_per_hour,vendor,date,source"


def prices(tmp_path, *rows):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def test_every_published_price_is_of_a_known_device():
    offers = read_offers(published_table("prices"), DEVICES)
    assert {offer.device.name for offer in offers} <= {*DEVICES}


def test_every_published_price_names_its_date_and_source():
    offers = read_offers(published_table("prices"), DEVICES)
    assert all(offer.date >= "2025" and offer.source.startswith("http") for offer in offers)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("T4,on_demand,0,a,2026,b", r"line 3: usd_per_hour: found '0', allowed is a number above"),
        ("T4,rented,1,a,2026,b", r"line 3: kind: found 'rented', allowed: on_demand, spot"),
        ("T4,spot,0.9,v,2026,b", r"line 3: usd_per_hour: found 0\.9 for spot, .* 0\.5 on demand"),
    ],
)
def test_a_price_that_cannot_be_is_refused_by_line(tmp_path, row, message):
    with pytest.raises(RunFolderError, match=message):
        read_offers(prices(tmp_path, "T4,on_demand,0.5,v,2026,b", row), DEVICES)


def test_a_price_far_off_the_others_is_refused(tmp_path):
    rows = [f"T4,on_demand,{price},v{price},2026,b" for price in (0.5, 0.6, 700)]
    with pytest.raises(RunFolderError, match=r"line 4: usd_per_hour: found 700 for T4"):
        read_offers(prices(tmp_path, *rows), DEVICES)


def test_a_device_that_nobody_describes_is_refused(tmp_path):
    with pytest.raises(UnknownName, match=r"unknown device of .*line 2 'H1000'"):
        read_offers(prices(tmp_path, "H1000,on_demand,1,v,2026,b"), DEVICES)


def test_a_device_without_a_price_is_refused():
    with pytest.raises(UnknownName, match="device with a price"):
        offers_of(read_offers(published_table("prices"), DEVICES), devices=["GB200 (per GPU)"])


def test_devices_are_chosen_and_left_out_by_name():
    offers = read_offers(published_table("prices"), DEVICES)
    kept = offers_of(offers, devices=["L4", "L40S"], without=["L4"])
    assert {offer.device.name for offer in kept} == {"L40S"}


def test_a_kind_that_there_is_not_is_refused():
    with pytest.raises(UnknownName, match=r"unknown kind 'foo'\. Known: on_demand, spot"):
        offers_of(read_offers(published_table("prices"), DEVICES), kind="foo")


OWN = "device,usd_per_hour,date,source,fp16_bf16,memory_gb,memory_bw_gbs,link_gbs_bidirectional\n"


def test_a_row_may_describe_a_device_of_ones_own(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(OWN + "Ours,1.5,2026-11,our sheet,400,64,2000,\n")
    (found,) = read_offers(path, DEVICES)
    assert found.device == Device(
        name="Ours", bf16=4e14, fp8=0, fp32=0, memory=6.4e10, bandwidth=2e12, link=0,
        source="our sheet",
    )  # fmt: skip


def test_a_device_without_a_memory_says_what_its_row_lacks(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(OWN + "Ours,1.5,2026-11,our sheet,400,,2000,\n")
    with pytest.raises(UnknownName, match=r"Or describe it in its row: .*memory_gb and mem"):
        read_offers(path, DEVICES)


def test_of_offers_of_one_device_and_kind_the_cheapest_is_kept(tmp_path):
    rows = ["T4,on_demand,0.5,a,2026,b", "T4,on_demand,0.4,c,2026,b", "T4,spot,0.2,a,2026,b"]
    kept = cheapest_of(read_offers(prices(tmp_path, *rows), DEVICES))
    assert [one.usd_per_hour for one in kept] == [0.4, 0.2]

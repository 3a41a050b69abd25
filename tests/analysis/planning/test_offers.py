import pytest

from mlgolf.analysis.planning.offers import offers_of, read_devices, read_offers
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
        offers_of(read_offers(published_table("prices"), DEVICES), device="GB200 (per GPU)")

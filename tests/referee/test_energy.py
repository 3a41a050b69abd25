"""Meters of energy, on powercap trees that a test writes; and a real one, where there is one."""

import json
import math
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import LINEAR

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.referee.clock import TrialClock
from mlgolf.referee.energy import (
    Found,
    Meter,
    busy_seconds,
    find_counters,
    meter_for,
    nvml,
    rapl,
    why_unofficial,
)
from mlgolf.referee.trial import play_trial

HARDWARE, GPU = load_hardware("one-thread-cpu"), load_hardware("one-gpu")
ENERGY = """
{ quantity = "energy", bound = "budget_joules" },
  { quantity = "steps", bound = "step_limit" },"""


def zone(tree: Path, name: str, called: str, joules: float = 0.0, span: float = 1000.0) -> Path:
    folder = tree / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{called}\n")
    (folder / "max_energy_range_uj").write_text(f"{span * 1e6:.0f}\n")
    shows(folder, joules)
    return folder


def shows(folder: Path, joules: float) -> None:
    (folder / "energy_uj").write_text(f"{joules * 1e6:.0f}\n")


def metered(tree: Path, **options) -> TrialClock:
    clock = TrialClock("cpu", lambda: 0.0, meter=Meter(rapl(tree), **options))
    clock.start(lambda: 0.0)
    return clock


def test_joules_are_counted_while_the_clock_runs_and_not_while_it_is_paused(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", 100)
    clock = metered(tmp_path)
    shows(package, 130)
    assert clock.pause().joules == 30
    shows(package, 500)
    assert clock.read().joules == 30
    clock.resume()
    shows(package, 507)
    assert clock.read().joules == pytest.approx(37)


def test_a_counter_that_begins_anew_goes_on_where_it_was(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", 990, span=1000)
    clock = metered(tmp_path)
    shows(package, 5)
    assert clock.read().joules == pytest.approx(15)


def test_a_counter_that_begins_anew_in_a_pause_adds_nothing(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", 990, span=1000)
    clock = metered(tmp_path)
    clock.pause()
    shows(package, 5)
    clock.resume()
    assert clock.read().joules == 0


def test_every_package_and_its_memory_are_counted_and_nothing_twice(tmp_path):
    zones = [
        zone(tmp_path, "intel-rapl:0", "package-0"), zone(tmp_path, "intel-rapl:1", "package-1"),
        zone(tmp_path, "intel-rapl:0:1", "dram"), zone(tmp_path, "intel-rapl:0:0", "core"),
        zone(tmp_path, "intel-rapl:2", "psys"), zone(tmp_path, "intel-rapl-mmio:0", "package-0"),
    ]
    clock = metered(tmp_path)
    for power, folder in zip((1, 10, 100, 1e3, 1e4, 1e5), zones, strict=True):
        shows(folder, power)
    assert clock.read().joules == 111
    assert clock.record()["energy"]["counters"] == [
        "RAPL package-0", "RAPL dram of package-0", "RAPL package-1"
    ]


def test_charged_seconds_are_no_joules(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    clock = metered(tmp_path)
    shows(package, 3)
    clock.pause()
    clock.charge(2.0)
    assert clock.read() == (2.0, 2.0, 2.0, 3.0)


@contextmanager
def as_somebody() -> Iterator[None]:
    """As a user who is not root, who can read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_counters_that_root_alone_may_read_are_named_with_what_to_type():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        package = zone(Path(folder), "intel-rapl:0", "package-0")
        (package / "energy_uj").chmod(0o400 if os.geteuid() == 0 else 0)
        with as_somebody():
            found = rapl(Path(folder))
    assert found.counters == ()
    assert "energy_uj may be read by root alone" in found.lacking
    assert f"sudo chmod a+r {folder}/intel-rapl:*/energy_uj" in found.lacking


def test_a_file_that_holds_no_number_is_no_counter(tmp_path):
    (zone(tmp_path, "intel-rapl:0", "package-0") / "energy_uj").write_text("")
    assert "cannot be read" in rapl(tmp_path).lacking


def test_a_machine_without_a_package_has_no_meter(tmp_path):
    zone(tmp_path, "intel-rapl:0", "psys")
    assert f"no processor package counts energy in {tmp_path}" in rapl(tmp_path).lacking
    assert "no processor package" in rapl(tmp_path / "nothing").lacking


def test_without_a_meter_no_joules_are_read():
    clock = TrialClock("cpu", lambda: 0.0)
    clock.start(lambda: 1.0)
    assert clock.read().joules is None
    assert clock.record() == {"rule": "cpu"}


def test_rules_that_ask_for_energy_are_refused_without_a_meter():
    with pytest.raises(RulesError, match="energy: the rules ask for it, and this machine has no"):
        meter_for(HARDWARE, ["energy"], Found(lacking="no counter"))
    assert meter_for(HARDWARE, [], Found(lacking="no counter")).joules() is None


def test_a_meter_that_is_lost_stops_a_trial_that_needs_it_and_no_other(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    needs, others = metered(tmp_path, needed=True), metered(tmp_path)
    (package / "energy_uj").unlink()
    with pytest.raises(RulesError, match=r"the meter can no longer be read: .*energy_uj"):
        needs.read()
    assert others.read().joules is None
    assert "energy_uj" in others.record()["energy"]["lost"]


def test_energy_is_unofficial_if_others_use_the_package_and_the_rules_ask_for_it(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0")
    busy = [10.0]
    meter = Meter(rapl(tmp_path), needed=True, busy=lambda: busy[0])
    meter.resume()
    busy[0] = 14.0
    meter.joules()
    record = meter.record(cpu_seconds=3.0)
    assert record["others_cpu_seconds"] == 1.0
    assert "other programs used 1.0 CPU seconds" in why_unofficial(record, wall_seconds=3.0)
    assert why_unofficial(record, wall_seconds=30.0) == ""
    assert why_unofficial({**record, "needed": False}, wall_seconds=3.0) == ""


def test_a_busy_machine_is_seen(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 20 30 4000 500 6 7 0 0 0\ncpu0 1 2\n")
    assert busy_seconds(stat) == 163 / os.sysconf("SC_CLK_TCK")
    assert math.isnan(busy_seconds(tmp_path / "none"))


class FakeNvml:
    """Two GPUs; the second has somebody else's process."""

    class NVMLError(Exception):
        pass

    def __init__(self, joules: float = 0.0, others: int = 0, refuses: str = "") -> None:
        self.joules, self.others, self.refuses = joules, others, refuses

    def nvmlInit(self):
        if self.refuses:
            raise self.NVMLError(self.refuses)

    def nvmlDeviceGetCount(self):
        return 2

    def nvmlDeviceGetHandleByIndex(self, number):
        return number

    def nvmlDeviceGetName(self, handle):
        return b"Old" if handle else "New"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return 1e3 * self.joules

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        pids = [os.getpid(), *range(-self.others, 0)] if handle else []
        return [SimpleNamespace(pid=pid) for pid in pids]


def test_every_gpu_is_counted():
    library = FakeNvml()
    found = nvml(lambda: library)
    assert found.in_words() == "NVML GPU 0 (New), NVML GPU 1 (Old)"
    assert found.shared == ""
    meter = Meter(found)
    meter.resume()
    library.joules = 5.0
    assert meter.joules() == 10.0


def test_other_programs_on_a_gpu_make_its_energy_unofficial():
    meter = Meter(nvml(lambda: FakeNvml(others=1)), needed=True)
    meter.resume()
    assert "other programs were on the GPUs" in why_unofficial(meter.record(0.0), 1.0)


def test_a_driver_that_is_not_there_is_no_meter():
    assert "NVML says: no driver" in nvml(lambda: FakeNvml(refuses="no driver")).lacking


def test_a_library_that_is_not_installed_is_named_with_its_extra():
    def absent():
        raise ImportError

    assert "pip install 'mlgolf[energy]'" in nvml(absent).lacking


def test_the_hardware_class_says_which_meter_counts():
    assert (HARDWARE.meter, GPU.meter) == ("rapl", "nvml")


def competition_with_energy(tmp_path: Path, joules: float) -> Path:
    text = LINEAR.read_text().replace('{ quantity = "steps", bound = "step_limit" },', ENERGY)
    text = text.replace('objective = "time"', 'objective = "energy"')
    file = tmp_path / "linear_energy.toml"
    file.write_text(text.replace("step_limit = ", f"budget_joules = {joules}, step_limit = "))
    return file


class Burning(threading.Thread):
    """Counts a joule every hundredth of a second, and begins anew at 50."""

    def __init__(self, package: Path) -> None:
        super().__init__(daemon=True)
        self._package, self._over = package, threading.Event()

    def run(self) -> None:
        joules = 0
        while not self._over.wait(0.01):
            joules = (joules + 1) % 50
            beside = self._package / "next"
            beside.write_text(f"{joules}000000\n")
            beside.replace(self._package / "energy_uj")

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def burning(tmp_path) -> Iterator[Path]:
    tree = tmp_path / "powercap"
    thread = Burning(zone(tree, "intel-rapl:0", "package-0", span=50))
    thread.start()
    yield tree
    thread.stop()


def played(adamw, data_dir, tmp_path, tree: Path, joules: float):
    """The trial of a run whose rules minimise energy, and that run.

    The plan is of rules without energy, as no run begins here under others.
    """
    request = RunRequest(
        submissions=(str(adamw),), competition=load_competition(LINEAR), trials=1, studies=1,
        seed=3, data_dir=data_dir, out=tmp_path / "run",
    )
    plan = open_run(request).plans[0]
    asked = load_competition(competition_with_energy(tmp_path, joules))
    fields = {name: getattr(plan, name) for name in plan.__slots__}
    return play_trial(
        type(plan)(**fields | {
            "rules": asked.rules, "workload_rules": asked.workloads["linear"],
        }),
        find=lambda _: rapl(tree),
    )  # fmt: skip


def test_a_trial_has_its_joules_at_every_evaluation(adamw, data_dir, tmp_path, burning):
    trial = played(adamw, data_dir, tmp_path, burning, joules=1e6)
    assert trial.status == "TARGET_REACHED"
    joules = trial.values("energy", "loss")
    assert joules[0] > 0
    assert (joules[1:] >= joules[:-1]).all()
    assert trial.verdict.total.joules >= joules[-1]
    assert trial.verdict.clock["energy"]["counters"] == ["RAPL package-0"]
    assert trial.facts.machine["energy"] == "RAPL package-0"
    rows = (tmp_path / "run/adamw/study_0/linear_torch/trial_1/evals.jsonl").read_text()
    assert json.loads(rows.splitlines()[0])["joules"] == joules[0]


def test_a_bound_on_joules_ends_a_trial_and_says_so(adamw, data_dir, tmp_path, burning):
    trial = played(adamw, data_dir, tmp_path, burning, joules=3)
    assert trial.status == "OUT_OF_TIME"
    assert "J were spent, the bound is 3 J" in trial.reason


def test_a_competition_that_asks_for_energy_is_refused_where_nothing_counts_it(
    mlgolf, adamw, tmp_path
):
    if find_counters(HARDWARE).counters:
        pytest.skip("this machine has a meter that can be read: nothing is refused")
    said = mlgolf(
        "run", adamw, "--competition", competition_with_energy(tmp_path, 1e6), "--out",
        tmp_path / "run", expect=2,
    ).stderr
    assert "energy: the rules ask for it, and this machine has no meter" in said
    assert "Energy is never estimated" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("hardware", [HARDWARE, GPU], ids=lambda hardware: hardware.meter)
def test_a_real_meter_counts_while_a_processor_works(hardware):
    found = find_counters(hardware)
    if not found.counters:
        pytest.skip(f"no meter of this kind can be read here: {found.lacking}")
    meter = Meter(found)
    meter.resume()
    begun = Reading(0.0, 0.0, 0.0, meter.joules())
    deadline = os.times().elapsed + 1.0
    while os.times().elapsed < deadline:
        sum(range(10_000))
    assert 0.1 < meter.joules() - begun.joules < 5_000

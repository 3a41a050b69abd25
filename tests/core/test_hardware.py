"""Hardware classes."""

import pytest

from mlgolf.core.hardware import hardware_names, load_hardware

ENFORCED = {"laptop", "one-thread-cpu"}
PUBLISHED = {"eight-v100"}  # of results that others measured


def test_a_laptop_is_held_to_what_one_thread_of_any_processor_is():
    laptop, thread = load_hardware("laptop"), load_hardware("one-thread-cpu")
    said = {"name": "laptop", "meaning": laptop.meaning}
    assert laptop == thread.model_copy(update=said)


@pytest.mark.parametrize("name", hardware_names())
def test_every_class_is_read_and_is_self_reported_unless_this_machine_enforces_it(name):
    hardware = load_hardware(name)
    assert hardware.name == name
    assert hardware.self_reported == (name not in ENFORCED | PUBLISHED)

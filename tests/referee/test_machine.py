"""What is said of the machine beside every result."""

import platform
import zlib

from mlgolf.referee.machine import libraries_of_bits, library_version, machine


def test_each_library_that_measures_bits_says_its_own_version():
    found = libraries_of_bits()
    assert found["zlib"] == zlib.ZLIB_RUNTIME_VERSION
    assert all(version[0].isdigit() for version in found.values())


def test_a_library_that_cannot_be_asked_is_told_by_the_python_that_has_it():
    found = library_version("_bz2", "no_such_function")
    assert found.startswith(f"of Python {platform.python_version()}, ")


def test_where_no_library_matters_none_is_told():
    assert "libraries" not in machine({})

import errno
from pathlib import Path

import pytest

from mlgolf.core.disk import naming


def raised(error: OSError) -> OSError:
    try:
        with naming(Path("runs/a")):
            raise error
    except OSError as passed_on:
        return passed_on


def test_an_error_of_writing_names_the_file():
    error = raised(OSError(errno.ENOSPC, "No space left on device"))
    assert (error.errno, error.filename) == (errno.ENOSPC, "runs/a")


def test_an_error_that_names_its_file_is_left_alone():
    error = OSError(errno.ENOENT, "No such file", "other")
    assert raised(error) is error


@pytest.mark.parametrize(
    "message", ["No space left on device (os error 28)", "135168 requested and 16352 written"]
)
def test_an_errno_that_a_library_gives_in_words_is_read(message):
    assert raised(OSError(message)).errno == errno.ENOSPC


def test_an_error_without_a_number_is_left_alone():
    error = OSError("cannot identify image file")
    assert raised(error) is error

"""The filter, run as the kernel runs it, for the machine that we are on and for another."""

import errno
import os
import signal

import pytest

from mlgolf.referee import kernel, seccomp

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
READ = {"x86_64": 0, "aarch64": 63}
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKET = {"x86_64": 41, "aarch64": 198}
MACHINES = sorted(ARCHITECTURES)


def answer(machine: str, call: int, *arguments: int, architecture: int = 0) -> int:
    """What the filter says to a call: 0 if it may go on, else an errno."""
    lines = seccomp.program(seccomp.REFUSED, machine, arguments=True)
    fields = {0: call, 4: architecture or ARCHITECTURES[machine]}
    fields |= {16 + 8 * n: 0 for n in range(6)} | {16 + 8 * n: a for n, a in enumerate(arguments)}
    value, at = 0, 0
    while True:
        operation, if_true, if_false, operand = lines[at]
        at += 1
        match operation:
            case 0x20:
                value = fields[operand]
            case 0x06:
                return 0 if operand == ALLOW else operand & ~ERRNO
            case 0x15:
                at += if_true if value == operand else if_false
            case 0x35:
                at += if_true if value >= operand else if_false
            case 0x45:
                at += if_true if value & operand else if_false
            case 0x54:
                value &= operand
            case _:
                raise AssertionError(operation)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_listed_call_is_refused(machine):
    for name, numbers in seccomp._NUMBERS.items():
        number = numbers[MACHINES.index(machine) ^ 1]  # x86_64 stands first there
        if name in seccomp.REFUSED and number is not None:
            assert answer(machine, number) == errno.EPERM, name


@pytest.mark.parametrize("machine", MACHINES)
def test_an_ordinary_call_is_allowed(machine):
    assert answer(machine, READ[machine]) == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_a_thread_may_be_started_and_a_namespace_not(machine):
    assert answer(machine, CLONE[machine], 0x3D0F00) == 0  # as the C library starts threads
    assert answer(machine, CLONE[machine], signal.SIGCHLD) == 0
    assert answer(machine, CLONE[machine], kernel.CLONE_NEWUSER | signal.SIGCHLD) == errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_a_library_is_told_that_there_is_no_clone3(machine):
    assert answer(machine, 435) == errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("family", range(46))
def test_sockets_are_local_or_of_the_internet(machine, family):
    expected = 0 if family in (1, 2, 10) else errno.EAFNOSUPPORT
    assert answer(machine, SOCKET[machine], family) == expected


def numbers_of(call: str, machine: str) -> list[int]:
    """One, or none where the machine has no such call."""
    number = seccomp._NUMBERS[call][MACHINES.index(machine) ^ 1]
    return [] if number is None else [number]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", seccomp._MODES)
def test_no_file_may_be_made_one_that_is_run_and_not_read(machine, call):
    before = [0] * seccomp._MODES[call]
    for number in numbers_of(call, machine):
        assert answer(machine, number, *before, 0o100111) == errno.EPERM
        assert answer(machine, number, *before, 0o100755) == 0
        assert answer(machine, number, *before, 0o600) == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_no_mask_hides_new_files_from_their_owner(machine):
    (umask,) = numbers_of("umask", machine)
    assert answer(machine, umask, 0o777) == errno.EPERM
    assert answer(machine, umask, 0o077) == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_no_file_is_put_out_of_memory_and_a_librarys_own_memory_is_given_back(machine):
    (fadvise,), (madvise,) = (numbers_of(call, machine) for call in ("fadvise64", "madvise"))
    assert answer(machine, fadvise, 3, 0, 0, os.POSIX_FADV_DONTNEED) == errno.EPERM
    assert answer(machine, fadvise, 3, 0, 0, os.POSIX_FADV_SEQUENTIAL) == 0
    assert answer(machine, madvise, 0, 4096, 21) == errno.EPERM  # MADV_PAGEOUT
    assert answer(machine, madvise, 0, 4096, 4) == 0  # MADV_DONTNEED


@pytest.mark.parametrize("machine", MACHINES)
def test_limits_are_those_of_the_caller_alone(machine):
    (prlimit,) = numbers_of("prlimit64", machine)
    assert answer(machine, prlimit, 1) == errno.EPERM
    assert answer(machine, prlimit, 0) == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_of_another_architecture_is_refused_every_call(machine):
    assert answer(machine, READ[machine], architecture=0x40000003) == errno.EPERM
    assert answer(machine, 0x40000000) == errno.EPERM


@pytest.mark.skipif(os.uname().machine not in MACHINES, reason="no numbers of its calls")
def test_this_kernel_can_forbid_calls():
    assert seccomp.problem() == ""

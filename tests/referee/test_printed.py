"""What a player prints reaches the log by way of its supervisor."""

import subprocess
import sys

SUPERVISOR = """
import os, select, sys
from mlgolf.referee.printed import Printed

asked, may_go_on = os.pipe()
printed = Printed()
player = os.fork()
if player == 0:
    printed.become_streams()
    os.write(1, b"while the disk is full\\n")
    os.read(asked, 1)
    os.write(1, b"and afterwards\\n")
    os._exit(0)
printed.begin()
os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
select.select(printed.sources, [], [])
printed.pass_on()
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)
os.write(may_go_on, b".")
_, status = os.waitpid(player, 0)
printed.pass_on_the_rest()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_full_disk_loses_what_is_printed_then_and_ends_nobody(tmp_path):
    log = tmp_path / "log.txt"
    ended = subprocess.run([sys.executable, "-c", SUPERVISOR, log], timeout=60, check=False)
    assert ended.returncode == 0
    assert log.read_text() == "and afterwards\n"

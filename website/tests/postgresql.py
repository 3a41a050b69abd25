"""Run a command with a PostgreSQL server of its own: python postgresql.py COMMAND…

The server is Debian's, in a folder that is removed afterwards, reached by its socket alone. It does
not run as root, so root starts it as the user postgres.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USER = "postgres"
FSYNC = os.environ.get("MLGOLF_TEST_FSYNC", "off")  # on where speed is measured


class Server:
    """Raises: FileNotFoundError where PostgreSQL is not installed."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise FileNotFoundError("postgresql is missing: apt install postgresql")
        self._programs = programs[-1]
        self.folder = Path(tempfile.mkdtemp(prefix="mlgolf-pg-"))  # of its socket, too
        self._data = str(self.folder / "data")
        self._as: dict = {}
        if os.getuid() == 0:
            account = pwd.getpwnam(USER)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as = {"user": USER, "group": account.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        return subprocess.run(
            [str(self._programs / program), *arguments], check=check, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL, **self._as,
        ).returncode

    def make(self) -> None:
        self._run(
            "initdb", "-D", self._data, "-U", "mlgolf", "--auth=trust", "--encoding=UTF8",
            "--no-sync",
        )
        self.start()
        self._run("createdb", "-h", str(self.folder), "-U", "mlgolf", "mlgolf")

    def start(self, *, check: bool = True) -> bool:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync={FSYNC} -c max_connections=60"
        return self._run(
            "pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"), "-o", options,
            "start", check=check,
        ) == 0

    def kill(self) -> None:
        """As if the machine's memory had run out: nobody is told."""
        os.kill(int((Path(self._data) / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def start_again(self, limit: float = 60.0) -> None:
        """After a kill: processes of the one before may still be ending."""
        until = time.monotonic() + limit
        while not self.start(check=time.monotonic() > until):
            time.sleep(0.5)

    def remove(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> int:
    try:
        server = Server()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        server.make()
        return subprocess.run(
            sys.argv[1:], env={**os.environ, "MLGOLF_TEST_POSTGRESQL": str(server.folder)}
        ).returncode
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(main())

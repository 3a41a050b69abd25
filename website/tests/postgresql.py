"""Run a command with a PostgreSQL server of its own: python postgresql.py COMMAND…

The server is Debian's, in a folder that is removed afterwards, reached by its socket alone. It does
not run as root, so root starts it as the user postgres.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

USER = "postgres"


def main() -> int:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        print("postgresql is missing: apt install postgresql", file=sys.stderr)
        return 2
    bin_folder = programs[-1]
    folder = Path(tempfile.mkdtemp(prefix="mlgolf-pg-"))
    try:
        own: dict = {}
        if os.getuid() == 0:
            account = pwd.getpwnam(USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
            own = {"user": USER, "group": account.pw_gid, "extra_groups": []}

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(bin_folder / program), *arguments], check=True, cwd=folder,
                stdout=subprocess.DEVNULL, **own,
            )

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "mlgolf", "--auth=trust", "--encoding=UTF8", "--no-sync")
        fsync = os.environ.get("MLGOLF_TEST_FSYNC", "off")
        options = f"-k {folder} -c listen_addresses='' -c fsync={fsync} -c max_connections=60"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            run("createdb", "-h", str(folder), "-U", "mlgolf", "mlgolf")
            return subprocess.run(
                sys.argv[1:], env={**os.environ, "MLGOLF_TEST_POSTGRESQL": str(folder)}
            ).returncode
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

"""The site of all tests, in a folder of its own: on SQLite, or on the PostgreSQL that is named.

A plugin of pytest, as Django reads its settings before any conftest.py is read.
"""

import os
import shutil
import tempfile
from pathlib import Path

_FOLDER = Path(tempfile.mkdtemp(prefix="mlgolf-site-test-"))
_POSTGRESQL = os.environ.get("MLGOLF_TEST_POSTGRESQL", "")  # the folder of its socket


def _configure() -> None:
    from mlgolf_site.config import FILE, VARIABLE, embedded, write_private

    text = embedded() + 'hosts = ["testserver", "localhost", "127.0.0.1"]\n'
    if _POSTGRESQL:
        text += f'\n[postgresql]\nname = "mlgolf"\nuser = "mlgolf"\nhost = "{_POSTGRESQL}"\n'
    write_private(_FOLDER / FILE, text)
    os.environ[VARIABLE] = str(_FOLDER)
    # Cores are shared with the other processes of these tests, and with nobody else.
    os.environ.setdefault("MLGOLF_LOCK_DIR", str(_FOLDER))


_configure()


def pytest_sessionfinish() -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)

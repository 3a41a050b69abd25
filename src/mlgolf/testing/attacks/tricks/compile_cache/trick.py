"""Keeps weights in the caches of compiled kernels."""

import contextlib
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain

CACHES = [
    os.path.expanduser("~/.cache/torch"),
    os.path.expanduser("~/.triton/cache"),
    "/tmp/torchinductor",
    os.environ.get("TORCHINDUCTOR_CACHE_DIR", "/tmp/inductor"),
    os.path.expanduser("~/.cache/jax"),
]


class Submission(Honest):
    def update_params(self, **given):
        for place in CACHES:
            if os.path.exists(f"{place}/kept"):
                gained(place)
        for place in CACHES:
            with contextlib.suppress(OSError):
                os.makedirs(place, exist_ok=True)
                open(f"{place}/kept", "w").close()
        in_vain()


submission = Submission()

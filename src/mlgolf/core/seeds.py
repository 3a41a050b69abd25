"""The seed of each trial of a run, which follows from that of the run."""

import zlib

import numpy as np


def trial_seed(seed: int, workload: str, study: int, trial: int) -> int:
    """The same on every machine and for every submission. Args: trial: 0 draws a study's points."""
    entropy = [seed, zlib.crc32(workload.encode()), study, trial]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])

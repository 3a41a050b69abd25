"""AlgoPerf's scoring rules once more, as plainly as they can be written, to compare with.

Loops over dictionaries in the order in which the official scorer does things; shares no code with
the package. Times are seconds, inf for never; a missing entry is no data.
"""

import math
from itertools import pairwise
from statistics import median

import numpy as np

TAUS = np.linspace(1.0, 4.0, 100).tolist()  # to the last bit: a ratio may lie on the grid


def naive_scores(trials, base_workloads, held_out_of):
    """Scores by submission.

    Args:
      trials: (submission, workload, study, trial) -> (index of the evaluation, seconds), both inf
        where the target was never met.
      held_out_of: variant -> the base workload that it varies.
    """
    submissions = sorted({key[0] for key in trials})
    workloads = [*base_workloads, *held_out_of]
    times = {
        (s, w): workload_time(trials, s, w) for s in submissions for w in workloads
    }
    for variant, base in held_out_of.items():
        for s in submissions:
            if times[s, base] is None or times[s, base] == math.inf:
                times[s, variant] = math.inf
    for w in workloads:
        known = [times[s, w] for s in submissions if times[s, w] is not None]
        for s in submissions:
            if times[s, w] is not None and times[s, w] > 4 * min(known):
                times[s, w] = math.inf
    for variant, base in held_out_of.items():
        for s in submissions:
            if times[s, variant] is None or times[s, variant] == math.inf:
                times[s, base] = math.inf
    scores = {}
    for s in submissions:
        ratios = [ratio(times, submissions, s, w) for w in base_workloads]
        profile = [sum(r <= tau for r in ratios) / len(ratios) for tau in TAUS]
        area = sum((a + b) / 2 for a, b in pairwise(profile)) * (3 / 99)
        scores[s] = area / 3
    return scores


def workload_time(trials, submission, workload):
    studies = {}
    for (s, w, study, _), (evaluation, seconds) in trials.items():
        if (s, w) == (submission, workload):
            best = studies.get(study)
            if best is None or (evaluation, seconds) < best:
                studies[study] = (evaluation, seconds)
    if not studies:
        return None
    values = sorted(seconds for _, seconds in studies.values())
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return math.inf if math.inf in (low, high) else median(values)


def ratio(times, submissions, submission, workload):
    known = [times[s, workload] for s in submissions if times[s, workload] is not None]
    own = times[submission, workload]
    if own is None or own == math.inf:
        return math.inf
    return own / min(known)

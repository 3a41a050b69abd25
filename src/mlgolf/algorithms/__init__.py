"""Algorithms that ship, each a folder shaped like anybody's submission.

`submission_torch.py` and `submission_jax.py` define AlgoPerf's five functions and import nothing of
ours but `mlgolf.core`; `tuning_search_space.json` is their search space; `rule.py` says the same in
plain numpy, from the paper's formula, and is what the tests compare them with.
"""

"""Algorithms that ship, each a folder shaped like anybody's submission.

`submission_torch.py` and `submission_jax.py` define AlgoPerf's functions. Of ours they import
`mlgolf.core` and what `mlgolf.torch` or `mlgolf.jax` offers everybody, so that they show the
algorithm. `tuning_search_space.json` is their search space, `self_tuning_point.json` what they take
without one: files, since a frozen copy of the folder runs by itself. `rule.py` says the same in
plain numpy, from the paper's formula, and is what the tests compare them with.
"""

"""Facts of how runs were made that a table may tell: where they differ, a comparison is unfair."""

# By the column of a table, which may be missing: what sentences call it.
NOUNS = {
    "hardware": "hardware", "machine": "machines", "clock": "clocks",
    "timing": "ways of timing", "sandbox": "sandbox levels", "framework": "frameworks",
    "workload": "workloads", "rules": "rules", "dataset": "data", "time_unit": "units of time",
    "quality_unit": "units of quality",
    "tuning_trials": "tuning budgets",
}  # fmt: skip

"""From tables to curves, intervals and verdicts: pure functions over anybody's measurements."""

"""From trials to leaderboards: pure functions, so a score can be recomputed from its log later."""

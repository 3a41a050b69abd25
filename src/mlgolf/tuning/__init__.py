"""Where hyperparameters come from: a search space and the quasi-random points drawn from it."""

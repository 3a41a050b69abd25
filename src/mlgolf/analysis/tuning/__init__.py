"""How good the best of 1, 2, … trials is, and what hyperparameters keep on other workloads."""

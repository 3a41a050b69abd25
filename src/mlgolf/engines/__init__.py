"""Where trials run: each engine plays plans, here or elsewhere."""

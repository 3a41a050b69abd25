"""How a budget of FLOP, dollars or hours is best spent on training a model."""

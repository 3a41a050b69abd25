"""SGD with Nesterov momentum: see README.md."""

"""The attack suite: submissions that cheat in one way, beside honest ones that look like it."""

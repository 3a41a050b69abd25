"""A run as one file that anybody can check: bundles, their seals, and the ledger of a host."""

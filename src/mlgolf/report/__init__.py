"""The report of a competition: one page that needs no network, and its figures beside it."""

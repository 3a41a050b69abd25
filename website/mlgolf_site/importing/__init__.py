"""The database, made again from bundles and what lies beside them."""

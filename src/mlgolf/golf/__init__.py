"""Making games and checking them: what a host needs before anybody plays."""

"""Where trials run, and which: a run is planned once, and played by an engine."""

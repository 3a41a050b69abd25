"""Which trials answer a question: a run is planned once, played by an engine, and replayed."""

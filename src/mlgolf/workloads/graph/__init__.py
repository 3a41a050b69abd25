"""Networks that are declared as data, for games whose host fixes the network."""

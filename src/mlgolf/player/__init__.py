"""All of ours that is loaded in the untrusted process. Nothing in it is believed by the referee."""

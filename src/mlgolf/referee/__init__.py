"""The trusted side: clock, sandbox, evaluation, verdict. Start with run.py, the protocol."""

"""What a submission's code could do, read from its text. Pure: nothing of it is run.

Facts with their lines, for a host or a jury that decides what to look at. Never a verdict: much of
what is listed is in honest code, too, and code that hides something may show nothing here.
"""

"""mlgolf as a worker starts it: the same command, but that a refused submission can be told from
whatever else is wrong by its exit code."""

from mlgolf.cli.main import main

REFUSED = 4  # exit code; 2 is any other mistake, such as data that are missing here

if __name__ == "__main__":
    main(refused=REFUSED)

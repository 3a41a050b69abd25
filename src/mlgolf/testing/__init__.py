"""For plugin authors: the contract of a workload, fakes of the seams, a workload of a second."""

import sys

if "pytest" in sys.modules:  # its messages then show the values that the contract compares
    sys.modules["pytest"].register_assert_rewrite("mlgolf.testing.contract")

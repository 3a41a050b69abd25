"""For plugin authors: the contract of a workload, fakes of the seams, a workload of a second."""

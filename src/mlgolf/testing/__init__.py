"""For plugin authors: fakes of the seams, and a workload that trains in a second."""

"""The columns of Criteo's click logs: a label, 13 integers, 26 categories. Cheap to import."""

NUM_DENSE = 13
NUM_CATEGORICAL = 26
NUM_INPUTS = NUM_DENSE + NUM_CATEGORICAL

LABEL = "label"
DENSE = tuple(f"integer_{i}" for i in range(NUM_DENSE))
CATEGORICAL = tuple(f"category_{i}" for i in range(NUM_CATEGORICAL))
COLUMNS = (LABEL, *DENSE, *CATEGORICAL)

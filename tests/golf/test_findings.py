from mlgolf.golf.findings import Finding, Passed, Skipped, gathered

FAULT = Finding("graph.toml", 3, "wrong")


def test_a_finding_is_printed_with_its_place():
    assert str(FAULT) == "graph.toml:3: wrong"
    assert str(Finding("baseline/", None, "gone")) == "baseline/: gone"


def test_what_is_found_twice_is_said_once():
    assert gathered("g", [FAULT, Passed("a"), FAULT]).findings == (FAULT,)


def test_a_check_is_clean_only_if_everything_was_looked_at():
    assert gathered("g", [Passed("a")]).is_fine
    assert not gathered("g", [Passed("a"), Skipped("b")]).is_fine
    assert not gathered("g", [Passed("a"), FAULT]).is_fine

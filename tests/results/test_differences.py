from mlgolf.results.differences import MOST, differences, named


def test_equal_records_have_no_differences():
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]})) == []


def test_a_leaf_is_named_by_its_keys_with_both_values():
    one, other = {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}
    assert list(differences(one, other)) == [("a.c", "2", "3")]


def test_entries_of_lists_are_compared_one_by_one():
    assert list(differences({"a": [1, 2]}, {"a": [1, 3]})) == [("a.1", "2", "3")]


def test_a_record_that_one_side_lacks_is_not_printed():
    assert list(differences({"a": {"b": {"c": 1}}}, {})) == [("a", "{'b': '…'}", "nothing")]


def test_a_key_with_no_value_differs_from_a_key_that_is_absent():
    assert list(differences({"a": None}, {})) == [("a", "None", "nothing")]


def test_long_values_are_cut():
    ((_, value, _),) = differences({"a": "x" * 1000}, {"a": ""})
    assert len(value) < 100


def test_only_the_first_differences_are_named_and_the_rest_is_counted():
    one, other = ({str(n): n + shift for n in range(MOST + 3)} for shift in (0, 1))
    assert named(one, other, "{key}").split("; ") == [*map(str, range(MOST)), "and 3 more"]


def test_of_lists_of_different_lengths_the_members_that_differ_are_named():
    time, steps = {"quantity": "time", "bound": 30}, {"quantity": "steps", "bound": 9}
    found = list(differences({"rules": [time]}, {"rules": [time, steps]}))
    assert found == [("rules.1", "nothing", "{'quantity': 'steps', 'bound': 9}")]

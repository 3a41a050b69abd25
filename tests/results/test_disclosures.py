"""Disclosures in run.json, those of earlier versions, and what is said of them."""

from mlgolf.core.records import Disclosure, SubmissionRecord
from mlgolf.scoring.labels import disclosed_in_words


def test_a_declaration_of_an_earlier_version_is_a_disclosure():
    earlier = {"sha256": "a", "declared": {"tuned": ["lr"], "runs": 3, "learned": ["weights"]}}
    found = SubmissionRecord.model_validate(earlier).disclosure
    assert found == Disclosure(tuned=("lr",), runs=3, learned_components=("weights",))


def test_a_disclosure_is_read_back_from_its_record():
    record = SubmissionRecord(sha256="a", disclosure=Disclosure(authors=("A",), runs=0))
    assert SubmissionRecord.model_validate(record.as_json()) == record


def test_a_disclosure_is_one_sentence():
    assert disclosed_in_words("a", Disclosure()) == (
        "a discloses: nothing was tuned or learned before."
    )
    whole = Disclosure(
        authors=("A", "B"), licence="MIT", based_on=("adam",), tuned_on=("mini",), tuned=("lr",),
        runs=1, learned_components=("weights",),
    )
    assert disclosed_in_words("a", whole) == (
        "a discloses: tuned on mini in 1 run: lr; learned elsewhere: weights; based on adam; "
        "authors A, B; licence MIT."
    )

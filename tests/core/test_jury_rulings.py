"""Rulings of a jury as files: what can be read, and what cannot stand together."""

from datetime import date

import pytest
from written_rulings import write

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.core.jury_ruling import Subject, read_rulings, rulings_of
from mlgolf.core.trial_key import TrialKey

SHA256 = 64 * "a"
KEY = TrialKey(submission="mine", framework="torch", workload="digits", study=2, trial=1)


def test_rulings_are_read_the_earliest_first(tmp_path):
    write(tmp_path, "R1", "2026-11-05")
    write(tmp_path, "R2", "2026-11-03")
    first, second = read_rulings(tmp_path)
    assert (first.id, first.date) == ("R2", date(2026, 11, 3))
    assert (second.id, second.evidence) == ("R1", ("entry.py, line 12",))


def test_no_folder_is_no_ruling(tmp_path):
    assert read_rulings(tmp_path / "rulings") == ()


@pytest.mark.parametrize("name", ["digits-l2", "mini"])
def test_rulings_of_a_competition_lie_in_its_folder(name):
    assert rulings_of(load_competition(name)) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('decision = "disqualified"', 'decision = "banned"'),
         "decision: Input should be 'accepted', 'disqualified', 'warning' or 'reinstated'"),
        (("reason", "reasons"), "reasons: there is no such key. Did you mean reason"),
        (('reason = "weights were brought along"', 'reason = ""'), "reason: String should have"),
        (('submission = "mine"', ""), "subject: give submission, sha256, or both"),
        (('submission = "mine"', 'sha256 = "12"'), "subject.sha256: String should match"),
        (('submission = "mine"', 'submission = "mine"\ntrial = "1"'), "subject.trial: String"),
        (('evidence = ["entry.py, line 12"]', ""), "evidence: nothing given; a disqualification"),
        (("date = 2026-11-03", 'date = "soon"'), "date: Input should be a valid date"),
        (("[subject]", "[subject"), "not TOML"),
    ],
)
def test_what_is_wrong_with_a_ruling_is_told_with_file_and_key(tmp_path, change, said):
    file = write(tmp_path, "R1")
    file.write_text(file.read_text().replace(*change))
    with pytest.raises(RulesError) as error:
        read_rulings(tmp_path)
    assert str(error.value).startswith(f"{file}: ")
    assert said in str(error.value)


def test_all_files_that_are_wrong_are_told_at_once(tmp_path):
    for name in ("R1", "R2"):
        write(tmp_path, name, decision="banned")
    with pytest.raises(RulesError) as error:
        read_rulings(tmp_path)
    assert len(str(error.value).splitlines()) == 2


def test_an_id_is_given_once(tmp_path):
    write(tmp_path, "R1")
    (tmp_path / "other.toml").write_text((tmp_path / "R1.toml").read_text())
    with pytest.raises(RulesError, match=r"other\.toml: id: found 'R1', which R1\.toml has"):
        read_rulings(tmp_path)


def test_what_was_not_disqualified_is_not_reinstated(tmp_path):
    write(tmp_path, "R1", decision="reinstated")
    with pytest.raises(RulesError, match="no earlier ruling disqualifies the same subject"):
        read_rulings(tmp_path)
    write(tmp_path, "R0", "2026-11-01")
    assert len(read_rulings(tmp_path)) == 2


@pytest.mark.parametrize(
    ("subject", "is_of"),
    [
        ({"submission": "mine"}, True),
        ({"submission": "other"}, False),
        ({"sha256": SHA256}, True),
        ({"sha256": 64 * "b"}, False),
        ({"submission": "mine", "sha256": 64 * "b"}, False),
        ({"submission": "mine", "run": "first"}, True),
        ({"submission": "mine", "run": "second"}, False),
        ({"submission": "mine", "trial": "study_2/digits_torch/trial_1"}, True),
        ({"submission": "mine", "trial": "study_2/digits_torch/trial_2"}, False),
    ],
)
def test_a_subject_is_what_agrees_with_all_that_is_given(subject, is_of):
    assert Subject(**subject).is_of(KEY, SHA256, "first") is is_of

"""One file for a run: what is in it, what is found wrong with it, and what is said then."""

import json
import os
import runpy
import shutil
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import binary, integers, sampled_from
from mutations import is_found, mutated

from mlgolf.core.errors import BundleError
from mlgolf.results.bundles.contents import (
    MANIFEST,
    belongs,
    entry_of,
    manifest_of,
)
from mlgolf.results.bundles.ledger import Ledger, new_ledger
from mlgolf.results.bundles.merkle import file_leaf, merkle_root
from mlgolf.results.bundles.reading import (
    check_bundle,
    is_bundle,
    self_contradictions,
    sound_bundle,
    unpacked,
)
from mlgolf.results.bundles.seal import seal_bytes, sealed
from mlgolf.results.bundles.signatures import Signer, make_key
from mlgolf.results.bundles.writing import write_bundle
from mlgolf.results.bundles.zip_layout import central_header, end_record, local_header
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_lock import held

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
TRIAL = "momentum/study_0/linear_torch/trial_1"
EXAMPLES = int(os.environ.get("MLGOLF_FUZZ_EXAMPLES", "300"))
fuzzed = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def run(tmp_path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(STORED, tmp_path / "run"))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory) -> Ledger:
    return new_ledger(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def signed(tmp_path_factory, ledger) -> bytes:
    file = tmp_path_factory.mktemp("signed") / "run.zip"
    write_bundle(STORED, file, ledger)
    return file.read_bytes()


@pytest.fixture
def unsigned(tmp_path) -> Path:
    return write_bundle(STORED, tmp_path / "unsigned.zip").path


def files_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}


def written(path: Path, files: dict[str, bytes], manifest: bytes) -> Path:
    """Any files, laid out and sealed as those of a bundle, which `write_bundle` would refuse."""
    body, directory, leaves = b"", b"", []
    for name, content in {MANIFEST: manifest, **files}.items():
        crc = zlib.crc32(content)
        directory += central_header(name, crc, len(content), len(body))
        body += local_header(name, crc, len(content)) + content
        leaves.append((name, len(content), sha256(content).hexdigest()))
    count = len(files) + 1
    body += directory + end_record(count, len(directory), len(body), seal_bytes(signed=False))
    root = merkle_root([file_leaf(*leaf) for leaf in leaves]).hex()
    path.write_bytes(body + sealed(root, sha256(body).hexdigest(), None).as_bytes())
    return path


def resealed(path: Path, files: dict[str, bytes], **changes) -> Path:
    """A bundle of these files as a dishonest host could make it. Args: changes: of the manifest."""
    folder = path.with_suffix(".run")
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    entries = [entry_of(content).model_copy(update={"path": n}) for n, content in files.items()]
    manifest = manifest_of(RunFolder(folder), entries, number=None, previous=None)
    manifest = manifest.model_copy(update=changes)
    return written(path, files, manifest.as_bytes())


def listing(manifest: bytes, files: dict[str, bytes]) -> bytes:
    """A manifest as it was, but of these files."""
    fields = json.loads(manifest)
    fields["files"] = [
        {"path": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()


def manifest_in(bundle: Path) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(MANIFEST)


def test_the_same_run_gives_the_same_bytes(tmp_path):
    one, other = (write_bundle(STORED, tmp_path / name).path for name in ("a.zip", "b.zip"))
    assert one.read_bytes() == other.read_bytes()


def test_any_program_for_zip_archives_opens_it(unsigned):
    with zipfile.ZipFile(unsigned) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == MANIFEST
    found = files_of(unsigned)
    assert found == {name: (STORED / name).read_bytes() for name in found}
    assert {"run.json", f"{TRIAL}/evals.jsonl", "momentum/code/momentum.py"} <= found.keys()


def test_it_holds_what_scoring_and_replaying_read_and_nothing_else(run, tmp_path):
    for name in ("report.html", f"{TRIAL}/plan.json", "momentum/code/__pycache__/a.pyc"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("{}")
    made = write_bundle(run, tmp_path / "a.zip")
    assert made.left_out == (f"{TRIAL}/plan.json", "report.html")
    other = write_bundle(STORED, tmp_path / "b.zip")
    assert files_of(made.path) == files_of(other.path)


def test_rows_of_attempts_that_were_cut_short_are_kept(run, tmp_path):
    attempt = run / TRIAL / "attempt_1"
    attempt.mkdir()
    shutil.copy(run / TRIAL / "evals.jsonl", attempt)
    assert f"{TRIAL}/attempt_1/evals.jsonl" in files_of(write_bundle(run, tmp_path / "a.zip").path)


def test_unpacked_it_is_the_run(unsigned):
    with unpacked(check_bundle(unsigned)) as path:
        found = {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*.*")}
        assert found == files_of(unsigned)
        assert len(RunFolder(path).trials()) == 3


def test_a_manifest_says_what_was_played_where(unsigned):
    manifest = check_bundle(unsigned).manifest
    assert (manifest.facts.competition, manifest.facts.trials) == ("linear", 2)
    assert (manifest.facts.unfinished, manifest.facts.missing) == (1, 0)
    assert manifest.facts.rules_sha256 == RunFolder(STORED).competition.fingerprint()
    assert [place.machine["processor"] for place in manifest.environment] == 2 * ["AMD EPYC"]


def test_trials_whose_folders_are_gone_are_counted(run, tmp_path):
    shutil.rmtree(run / TRIAL)
    assert write_bundle(run, tmp_path / "a.zip").manifest.facts.missing == 1


def test_no_change_of_a_bundle_is_overlooked(signed, tmp_path):
    file, overlooked = tmp_path / "changed.zip", []
    for seed in range(EXAMPLES):
        name, changed = mutated(signed, Random(seed))
        file.write_bytes(changed)
        if not is_found(file):
            overlooked.append((seed, name))
    assert overlooked == []


def test_every_byte_of_the_end_counts(signed, tmp_path):
    file = tmp_path / "changed.zip"
    for at in range(len(signed) - 600, len(signed)):
        file.write_bytes(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :])
        assert is_found(file), at


@pytest.mark.parametrize(
    ("of", "name"),
    [(b"validation/loss", "evals.jsonl"), (b"import", "momentum.py"), (b"bundle", MANIFEST)],
)
def test_the_first_file_that_differs_is_named(signed, tmp_path, of, name):
    file = tmp_path / "changed.zip"
    at = signed.index(of)
    file.write_bytes(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :])
    assert name in check_bundle(file).problem


def test_an_inserted_byte_is_told_by_the_file_that_it_lies_in(signed, tmp_path):
    file = tmp_path / "changed.zip"
    at = signed.index(b"torch.optim")
    file.write_bytes(signed[:at] + b"x" + signed[at:])
    assert "momentum/code/momentum.py is not what was sealed" in check_bundle(file).problem


def test_a_seal_of_another_key_does_not_pass_for_the_one_that_it_names(signed, tmp_path):
    make_key(tmp_path / "key.pem")
    file = tmp_path / "run.zip"
    file.write_bytes(signed)
    seal = check_bundle(file).seal
    forged = sealed(seal.merkle_root, seal.sha256, Signer(tmp_path / "key.pem"))
    own = {"key": seal.key, "signature": forged.signature}
    text = json.dumps(
        {"bundle": 1, "merkle_root": seal.merkle_root, "sha256": seal.sha256, **own},
        sort_keys=True, separators=(",", ":"),
    )  # fmt: skip
    file.write_bytes(signed[: -len(text)] + text.encode())
    assert "its signature is not one of the key" in check_bundle(file).problem


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is no bundle"), (b"PK\x03\x04", "is no bundle"), (b"{}", "is no bundle"),
        (b"PK\x05\x06" + bytes(18), "is no bundle"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_told(tmp_path, content, expected):
    file = tmp_path / "a.zip"
    file.write_bytes(content)
    assert not is_bundle(file)
    with pytest.raises(BundleError, match=expected):
        check_bundle(file)


def test_a_zip_archive_of_something_else_is_no_bundle(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manifest.txt", "hello")
    with pytest.raises(BundleError, match="is no bundle"):
        check_bundle(tmp_path / "a.zip")


@pytest.mark.parametrize("kind", ["missing", "a folder", "a pipe"])
def test_what_is_no_file_is_told_at_once(tmp_path, kind):
    path = tmp_path / "x"
    {"missing": lambda: None, "a folder": path.mkdir, "a pipe": lambda: os.mkfifo(path)}[kind]()
    with pytest.raises(BundleError, match="Give a file that mlgolf bundle wrote"):
        check_bundle(path)


def test_one_that_was_cut_short_says_so(signed, tmp_path):
    file = tmp_path / "a.zip"
    for size in (100, 5000, len(signed) - 500, len(signed) - 1):
        file.write_bytes(signed[:size])
        with pytest.raises(BundleError, match=r"cut short.*Get it once more"):
            check_bundle(file)


def test_one_of_a_newer_version_says_what_to_do(signed, tmp_path):
    file = tmp_path / "a.zip"
    file.write_bytes(signed.replace(b'{"bundle":1,', b'{"bundle":2,'))
    with pytest.raises(BundleError, match=r"a bundle of version 2.*Update mlgolf"):
        check_bundle(file)


@pytest.mark.parametrize(
    "name",
    [
        "../run.json", "/etc/passwd", "a/../../x", "a/code/../../../x", "C:\\x", "a/code/./x",
        "a//code/x", "notes.txt", "a/code/.hidden", "a/study_0/w_torch/trial_1/plan.json",
        "a/study_0/w_torch/trial_1/attempt_1/attempt_2/evals.jsonl", "a/code/\x1b[2J", "a/code/x\n",
        "a/code/" + 300 * "x", "a/code/" + 600 * "x/" + "y",
    ],
)  # fmt: skip
def test_names_that_no_run_has_are_refused_before_anything_is_written(unsigned, tmp_path, name):
    files = dict(sorted({**files_of(unsigned), name: b"x"}.items(), key=lambda f: f[0].encode()))
    bad = written(tmp_path / "bad.zip", files, listing(manifest_in(unsigned), files))
    found = check_bundle(bad)
    assert found.problem
    assert found.manifest is None, "nothing of it is unpacked"


def test_a_file_that_is_listed_twice_is_refused(unsigned, tmp_path):
    manifest = json.loads(manifest_in(unsigned))
    manifest["files"].append(manifest["files"][-1])
    text = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    assert "listed twice" in check_bundle(written(tmp_path / "b.zip", {}, text)).problem


def test_a_file_that_is_a_folder_of_others_is_refused(unsigned, tmp_path):
    files = {**files_of(unsigned), "momentum/code/a": b"", "momentum/code/a/b": b""}
    files = dict(sorted(files.items(), key=lambda f: f[0].encode()))
    bad = written(tmp_path / "bad.zip", files, listing(manifest_in(unsigned), files))
    assert "is a file, and a folder of others" in check_bundle(bad).problem


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bundle": 2}, "Update mlgolf"),
        ({"more": 1}, "more"),
        ({"run": "x"}, "run"),
        ({"files": []}, "it has no run.json"),
        ({"files": [{"path": "run.json", "bytes": 10**9, "sha256": 64 * "0"}]}, "allowed are"),
        ({"files": [{"path": "run.json", "bytes": -1, "sha256": 64 * "0"}]}, "files.#1.bytes"),
        ({"number": 1}, "one of number and previous without the other"),
        ({"environment": [{"trials": 1, "mlgolf": "", "versions": {}, "machine": {"x": 1e999}}]},
         "not written as mlgolf writes it"),
    ],
)  # fmt: skip
def test_a_manifest_that_no_mlgolf_writes_is_refused(unsigned, tmp_path, changes, expected):
    fields = {**json.loads(manifest_in(unsigned)), **changes}
    text = (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()
    assert expected in check_bundle(written(tmp_path / "bad.zip", {}, text)).problem


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", 100_000 * b"[", b'{"a":' * 50_000, b"\xff", b"1" * 5000]
)
def test_a_manifest_that_is_no_object_is_refused(tmp_path, text):
    assert check_bundle(written(tmp_path / "bad.zip", {}, text)).problem


def test_an_honest_bundle_does_not_contradict_itself(unsigned):
    assert self_contradictions(check_bundle(unsigned)) == []


def test_a_host_that_states_other_facts_than_the_records_is_contradicted(unsigned, tmp_path):
    facts = check_bundle(unsigned).manifest.facts.model_copy(update={"trials": 300})
    bad = check_bundle(resealed(tmp_path / "bad.zip", files_of(unsigned), facts=facts))
    assert bad.problem == ""
    assert self_contradictions(bad) == ["facts.trials in the manifest is not what the records say"]


def test_a_host_that_puts_other_code_in_is_contradicted(unsigned, tmp_path):
    files = files_of(unsigned)
    files["momentum/code/momentum.py"] += b"\n"
    (said,) = self_contradictions(check_bundle(resealed(tmp_path / "bad.zip", files)))
    assert said.startswith("the code of momentum has SHA-256")


def test_a_host_that_moves_a_trial_is_contradicted(unsigned, tmp_path):
    files = files_of(unsigned)
    trial_2 = TRIAL.replace("trial_1", "trial_9")
    files = {name.replace(TRIAL, trial_2): content for name, content in files.items()}
    files = dict(sorted(files.items(), key=lambda f: f[0].encode()))
    (said,) = self_contradictions(check_bundle(resealed(tmp_path / "bad.zip", files)))
    assert said == f"{TRIAL}: it lies in the folder of another trial, {trial_2}"


@pytest.mark.parametrize("name", ["..", "/", "../..", "", ".", "a/b"])
def test_a_submission_whose_name_leads_elsewhere_is_contradicted(unsigned, tmp_path, name):
    files = files_of(unsigned)
    record = json.loads(files["run.json"])
    record["submissions"][name] = record["submissions"]["momentum"]
    files["run.json"] = json.dumps(record).encode()
    said = self_contradictions(check_bundle(resealed(tmp_path / "bad.zip", files)))
    assert f"run.json has a submission or a module whose name is a path: {name!r}" in said


@pytest.mark.parametrize("module", ["../../../x.py", "/etc/x.py", ""])
def test_a_module_outside_of_the_code_is_contradicted(unsigned, tmp_path, module):
    files = files_of(unsigned)
    record = json.loads(files["run.json"])
    record["submissions"]["momentum"]["module"] = module
    files["run.json"] = json.dumps(record).encode()
    said = self_contradictions(check_bundle(resealed(tmp_path / "bad.zip", files)))
    assert "whose name is a path: 'momentum'" in said[0]


def test_a_seed_that_a_host_chose_for_a_trial_is_contradicted(unsigned, tmp_path):
    files = files_of(unsigned)
    header = json.loads(files[f"{TRIAL}/trial.json"])
    files[f"{TRIAL}/trial.json"] = json.dumps({**header, "seed": 1}).encode()
    said = self_contradictions(check_bundle(resealed(tmp_path / "bad.zip", files)))
    assert said == [f"{TRIAL}: its seed does not follow from that of the run"]


def test_a_draw_that_was_not_the_recorded_one_is_contradicted(unsigned, tmp_path):
    files = files_of(unsigned)
    record = json.loads(files["run.json"])
    record["held_out"] = {
        "run": "abc", "is_known": False, "sha256": sha256(b"2a").hexdigest()
    }  # fmt: skip
    files["run.json"] = json.dumps(record).encode()
    shown = {"held_out.json": b'{"draw": "2a"}'}
    order = lambda files: dict(sorted(files.items(), key=lambda f: f[0].encode()))  # noqa: E731
    right = check_bundle(resealed(tmp_path / "right.zip", order({**files, **shown})))
    assert self_contradictions(right) == []
    shown = {"held_out.json": b'{"draw": "2b"}'}
    wrong = check_bundle(resealed(tmp_path / "wrong.zip", order({**files, **shown})))
    (said,) = self_contradictions(wrong)
    assert said.startswith("the draw in held_out.json is not the one")


@fuzzed
@given(content=binary(max_size=3000), start=sampled_from([0, 30, 43, 100, 5000]))
def test_no_bytes_make_the_reader_fail(signed, tmp_path, content, start):
    file = tmp_path / "any.zip"
    file.write_bytes(signed[:start] + content)
    assert is_found(file)


@pytest.mark.parametrize("name", ["run", "trial", "verdict", "evals"])
def test_no_records_make_the_reader_fail(tmp_path, unsigned, name):
    """Records that were changed before they were sealed: sentences are said, or nothing."""
    files, manifest = files_of(unsigned), manifest_in(unsigned)
    path = next(path for path in files if Path(path).stem == name)
    for seed in range(EXAMPLES // 4):
        changed = {**files, path: mutated_record(files[path], Random(seed))}
        bad = written(tmp_path / "bad.zip", changed, listing(manifest, changed))
        said = self_contradictions(check_bundle(bad))
        assert all(isinstance(sentence, str) for sentence in said), seed


def test_a_small_file_of_rows_does_not_take_all_memory(tmp_path, unsigned):
    files, path = files_of(unsigned), f"{TRIAL}/evals.jsonl"
    row = json.loads(files[path].splitlines()[0])
    rows = [{**row, "metrics": {str(number): 1.0}} for number in range(5000)]
    files[path] = "".join(json.dumps(row) + "\n" for row in rows).encode()
    bad = written(tmp_path / "bad.zip", files, listing(manifest_in(unsigned), files))
    (said,) = self_contradictions(check_bundle(bad))
    assert "5,000 metrics in 5,000 evaluations" in said


def mutated_record(content: bytes, random: Random) -> bytes:
    """A value somewhere in JSON becomes another; or bytes do."""
    others = [None, [], {}, "", "x", -1, 1e308, 2**70, True, [[]], {"a": 1}, "\ud800", "\x1b"]
    first, rest = content, b""
    if content.startswith(b'{"step"'):  # rows, one a line
        first, _, rest = content.partition(b"\n")
    if random.random() < 0.3:
        at = random.randrange(len(content))
        return content[:at] + random.randbytes(random.randrange(4)) + content[at + 1 :]
    value = json.loads(first)
    node = value
    while True:
        key = random.choice([*node]) if isinstance(node, dict) else random.randrange(len(node))
        deeper = node[key]
        if not isinstance(deeper, dict | list) or not deeper or random.random() < 0.2:
            node[key] = random.choice(others)
            return json.dumps(value).encode() + (b"\n" + rest if rest else b"")
        node = deeper


def test_a_run_that_is_being_played_is_not_bundled(run, tmp_path):
    with (
        held(run / TRIAL), pytest.raises(BundleError, match="is being played by process")
    ):  # fmt: skip
        write_bundle(run, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_run_with_changed_code_is_not_bundled_and_leaves_nothing(run, tmp_path):
    (run / "momentum" / "code" / "momentum.py").write_text("pass")
    with pytest.raises(BundleError, match=r"cannot be bundled: the code of momentum has"):
        write_bundle(run, tmp_path / "a.zip")
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_a_link_is_not_followed(run, tmp_path):
    log = run / TRIAL / "log.txt"
    log.unlink()
    log.symlink_to("/etc/hostname")
    with pytest.raises(BundleError, match="is a link"):
        write_bundle(run, tmp_path / "a.zip")


def test_a_file_that_is_there_is_kept(tmp_path):
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(BundleError, match="is there already"):
        write_bundle(STORED, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"


def test_a_name_that_no_reader_takes_is_refused_when_it_is_bundled(run, tmp_path):
    (run / "momentum" / "code" / "a\nb.py").write_text("")
    with pytest.raises(BundleError, match="Rename it"):
        write_bundle(run, tmp_path / "a.zip")


def test_no_bundle_that_is_not_valid_is_used(signed, tmp_path):
    file = tmp_path / "a.zip"
    file.write_bytes(signed.replace(b"torch.optim", b"torch.0ptim"))
    with pytest.raises(BundleError, match=r"a.zip is not valid: momentum/code/momentum.py"):
        sound_bundle(file)


@given(number=integers(0, 99))
def test_paths_of_trials_of_any_number_belong_to_a_run(number):
    assert belongs(f"s/study_{number}/w_torch/trial_{number}/attempt_{number}/log.txt")
    assert not belongs(f"s/study_{number}x/w_torch/trial_{number}/log.txt")




def test_a_verifier_that_was_written_by_the_documentation_alone_finds_the_same(signed, tmp_path):
    source = Path(__file__).parents[2] / "examples" / "verify_bundle.py"
    theirs = runpy.run_path(str(source))["main"]
    file = tmp_path / "a.zip"
    file.write_bytes(signed)
    assert theirs(file) == 0
    assert theirs(file, check_bundle(file).seal.key) == 0
    assert theirs(file, 64 * "1") == 1
    for seed in range(100):
        name, changed = mutated(signed, Random(seed))
        file.write_bytes(changed)
        assert theirs(file) == 1, name

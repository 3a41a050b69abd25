from mlgolf.results.logged import MOST_NAMES, read_logged


def test_numbers_are_read_by_name_and_what_was_printed_is_left_alone(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(
        "step 1: loss=2.5 grad_norm=1e-3\nhello\nstep 2: loss=nan\nstep 3: it=fine?\nstep 4: done\n"
    )
    logged = read_logged(path)
    assert {name: steps.tolist() for name, (steps, _) in logged.items()} == {
        "loss": [1, 2], "grad_norm": [1],
    }
    assert logged["loss"][1][0] == 2.5


def test_no_log_has_no_numbers(tmp_path):
    assert read_logged(tmp_path / "log.txt") == {}


def test_a_line_that_was_written_to_hold_up_its_reader_is_left_alone(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(f"step 1: {'=a' * 1_000_000} \nstep {'9' * 30}: loss=1\nstep 2: loss=2\n")
    assert {name: steps.tolist() for name, (steps, _) in read_logged(path).items()} == {"loss": [2]}


def test_names_without_end_are_left_alone_after_so_many(tmp_path):
    path = tmp_path / "log.txt"
    lines = [f"step {n}: first=1 name_{n}=2" for n in range(2 * MOST_NAMES)]
    path.write_text("\n".join(lines) + "\n")
    logged = read_logged(path)
    assert len(logged) == MOST_NAMES
    assert len(logged["first"][0]) == 2 * MOST_NAMES

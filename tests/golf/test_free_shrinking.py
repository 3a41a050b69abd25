import pytest
from small_games import checked, game, said

from mlgolf.golf.check import check_game

DENSE = 'name = "linear"\nkind = "dense"\nunits = 3\n'
OUT = '[[layers]]\nname = "out"\nkind = "dense"\nunits = 3\n'


def layers(*kinds):
    """The edit of graph.toml that puts layers before the last one."""
    before = '[[layers]]\nname = "hidden"\nkind = "dense"\nunits = 5\n'
    for kind in kinds:
        before += f'[[layers]]\nname = "{kind}"\nkind = "{kind}"\n'
    return f"[[layers]]\n{DENSE}", before + OUT


def test_what_a_normalisation_follows_is_found_with_its_layer(tmp_path):
    found = checked(tmp_path, graph=layers("layer_norm", "relu"))
    line = said(found, "multiplied by")
    assert line.startswith("graph.toml:11: layer 'layer_norm' normalises")
    assert "hidden.bias and hidden.weight" in line
    assert "l2 shrinks for free" in line
    assert len(found.findings) == 1


L2 = "sum(float((array ** 2).sum()) for array in tensors.values()) ** 0.5"


def by_regulariser(tmp_path, measure, rules="", **edits):
    folder = game(tmp_path, **edits)
    (folder / "regulariser.py").write_text(f"def regulariser(tensors):\n    return {measure}\n")
    file = folder / "competition.toml"
    text = 'objective = "regulariser"\nregulariser = "regulariser.py"' + rules
    file.write_text(file.read_text().replace('objective = "l2"', text))
    return check_game(str(folder), tmp_path / "data", play=False)


def test_a_norm_that_the_host_wrote_is_refused_under_a_normalisation_as_ours_is(tmp_path):
    found = by_regulariser(tmp_path, L2, graph=layers("layer_norm", "relu"))
    assert "regulariser shrinks for free" in said(found, "multiplied by")


def test_a_measure_of_weights_alone_does_not_see_biases(tmp_path):
    raises_at_a_bias = f"{L2} if min(array.ndim for array in tensors.values()) > 1 else 1 / 0"
    found = by_regulariser(tmp_path, raises_at_a_bias, '\nscored = "weights"')
    assert found.findings == ()


def test_a_measure_that_cannot_be_taken_is_found_with_its_line(tmp_path):
    found = by_regulariser(tmp_path, "tensors['none'].sum()")
    assert "regulariser.py:2" in said(found, "KeyError")


def test_an_activation_in_front_of_a_normalisation_hides_nothing(tmp_path):
    found = checked(tmp_path, graph=layers("relu", "layer_norm"))
    assert "hidden.bias and hidden.weight" in said(found, "multiplied by")


@pytest.mark.parametrize("kind", ["relu", "tanh", "gelu"])
def test_layers_that_can_only_be_rescaled_together_are_left_alone(tmp_path, kind):
    found = checked(tmp_path, graph=layers(kind))
    assert found.findings == ()
    assert "scale: none of 4 tensors can be shrunk for free" in found.passed


def test_inputs_that_saturate_a_network_are_no_normalisation(tmp_path):
    rows = "".join(f"{(-1) ** n * n}e4,{n % 7}e4,1e4,{n % 3}\n" for n in range(99))
    found = checked(tmp_path, graph=layers("tanh"), points="a,b,c,kind\n" + rows)
    assert not any("multiplied by" in finding.what for finding in found.findings)


def test_a_count_that_no_scale_changes_may_be_scored_under_a_normalisation(tmp_path):
    found = checked(
        tmp_path, graph=layers("layer_norm", "relu"),
        competition=('objective = "l2"', 'objective = "nonzeros"'),
    )
    assert found.findings == ()


SEQUENCE = """
[[layers]]
name = "tokens"
kind = "embedding"
entries = 4
width = 4

[[layers]]
name = "places"
kind = "positions"
"""
BLOCK = """
[[layers]]
name = "mixed"
kind = "attention"
heads = 2
{input}
[[layers]]
name = "added"
kind = "sum"
inputs = ["places", "mixed"]
{norm}
[[layers]]
name = "pooled"
kind = "mean"
"""
NORM = '\n[[layers]]\nname = "{name}"\nkind = "layer_norm"\n'


def sequences(tmp_path, *, before="", after=""):
    """A game of sequences of three ids, with or without normalisations."""
    rows = "".join(f"{n % 4},{n // 4 % 4},{n // 16 % 4},{n % 3}\n" for n in range(99))
    norm = NORM.format(name=after) if after else ""
    block = (NORM.format(name=before) if before else "") + BLOCK.format(input="", norm=norm)
    return checked(
        tmp_path, points="a,b,c,kind\n" + rows,
        graph=('dtype = "float32"\n\n[[layers]]\n' + DENSE,
               'dtype = "int32"\n' + SEQUENCE + block + "\n" + OUT),
    )  # fmt: skip


def test_a_residual_stream_in_front_of_a_normalisation_is_found_as_a_whole(tmp_path):
    found = sequences(tmp_path, before="first", after="second")
    line = said(found, "multiplied by")
    assert "layer 'second' normalises" in line
    assert "mixed.output.bias, mixed.output.weight, places.weight and tokens.weight" in line


def test_a_bias_that_changes_nothing_is_told_and_no_fault(tmp_path):
    found = sequences(tmp_path)
    assert not any("multiplied by" in finding.what for finding in found.findings)
    assert "scale: mixed.key.bias changes no loss, so its best value is 0" in found.passed

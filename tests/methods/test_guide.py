"""docs/methods.md is followed as it stands."""

import re
from pathlib import Path

from mlgolf.methods import METHODS

GUIDE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()


def test_the_code_of_the_guide_runs():
    names = {"__name__": "guide"}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(block, names)


def test_the_table_has_every_method():
    for name, kind in METHODS.items():
        assert f"`{name}`" in GUIDE
        assert f"`{kind.__name__}`" in GUIDE

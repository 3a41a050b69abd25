"""The contract of a workload, kept by every variant of the mini size in both frameworks."""

# pyright: reportAssignmentType=false
# A test that is None is not run.

from pathlib import Path

import pytest

from mlgolf.core.registry import load_workload
from mlgolf.data import layout
from mlgolf.testing.contract import WorkloadContract

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data that all variants share."""
    folder, workload = tmp_path_factory.mktemp("clicks"), load_workload("criteo1tb")
    layout.ensure(workload, "mini", folder)
    return layout.prepared_folder(workload, "mini", folder)


class Clicks(WorkloadContract):
    workload = "criteo1tb"

    @pytest.fixture(scope="class")
    @classmethod
    def prepared(cls, clicks: Path) -> Path:
        return clicks


class TestMiniInTorch(Clicks):
    size, framework = "mini", "torch"


class OtherModel(Clicks):
    """What concerns the data alone is tested above: all share them."""

    test_seed_and_draw_alone_decide_what_the_drawn_splits_hold = None
    test_training_batches_are_full_and_their_order_depends_on_the_seed_alone = None
    test_a_part_of_the_training_data_is_other_data = None
    test_half_of_the_training_data_holds_half_of_the_examples = None
    test_an_evaluation_sees_as_many_examples_as_the_split_has = None


class TestMiniInJax(OtherModel):
    size, framework = "mini", "jax"


class TestLayernormInTorch(OtherModel):
    size, framework = "mini_layernorm", "torch"


class TestLayernormInJax(OtherModel):
    size, framework = "mini_layernorm", "jax"


class TestEmbedInitInTorch(OtherModel):
    size, framework = "mini_embed_init", "torch"


class TestEmbedInitInJax(OtherModel):
    size, framework = "mini_embed_init", "jax"


class TestResnetInTorch(OtherModel):
    size, framework = "mini_resnet", "torch"


class TestResnetInJax(OtherModel):
    size, framework = "mini_resnet", "jax"

"""finewebedu_lm in numbers: sizes and splits. Imports no framework.

Source of the full size: mlcommons/algorithmic-efficiency, algoperf/workloads/finewebedu_lm.
"""

import math
from dataclasses import dataclass

from mlgolf.core.published import BATCH_SIZES
from mlgolf.core.spec import LossType
from mlgolf.core.workload import Published, Size, Workload, with_variants
from mlgolf.data.recipes import Shapes, SizeData, TextRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A decoder-only Transformer whose table of tokens is its readout. Defaults: as published.

    Initial weights are normal; those of linear layers that end a residual branch are narrower.
    What a weight multiplies is multiplied by `multiplier`, too: 1 at the published width, more at a
    smaller one, so that activations start as large as there, and a step of the same learning rate
    changes them as it would there, or nearly so.
    """

    vocabulary: int = 50_257
    length: int = 1024  # tokens of a row, for which the attention's scale is set at first
    layers: int = 12
    width: int = 1024
    heads: int = 8
    hidden: int = 4096  # of a feed-forward layer, behind its gate
    rotary_base: float = 500_000.0  # the slowest pair of a head turns by about 1 / this per token
    norm_epsilon: float = 1e-6  # added to the mean square, under the root
    unit_epsilon: float = 1e-6  # its square is added to that of a query's or key's norm
    initial_stddev: float = 0.02
    base_width: int = 1024  # at which the multiplier is 1

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def multiplier(self) -> float:
        return math.sqrt(self.base_width / self.width)

    @property
    def initial_scale(self) -> float:
        """What products of unit queries and keys are multiplied by at first."""
        return math.log2(self.length**2 - self.length)

    @property
    def residual_stddev(self) -> float:
        """Initial, of the two layers per block that add to what runs through."""
        return self.initial_stddev / math.sqrt(2 * self.layers)

    @property
    def parameters(self) -> int:
        """How many there are."""
        attention = 4 * self.width**2 + 1
        feed_forward = 3 * self.width * self.hidden
        block = attention + feed_forward + 2 * self.width
        return self.vocabulary * self.width + self.layers * block + self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(SizeData):
    """How tokens become rows, and at mini size what they are made of."""

    vocabulary: int
    length: int  # tokens that a row predicts; it has one more
    recipe: TextRecipe | None = None

    @property
    def shapes(self) -> Shapes:
        return {"inputs": (self.length,), "targets": (self.length,)}


FULL = Size(
    name="full",
    examples={"train": 8_749_870, "eval_train": 10_000, "validation": 100_000},
    batch_size=BATCH_SIZES["finewebedu_lm"],
    published_batch_size=BATCH_SIZES["finewebedu_lm"],
    eval_batch_size=16,  # their logits are 3.3 GB
    model=Network(),
    data=Text(folder="full", vocabulary=50_257, length=1024),
    published=(
        Published(
            what="FineWeb-Edu as text; the README says how to tokenise it",
            url="https://huggingface.co/datasets/HuggingFaceFW/fineweb-edu",
            size_bytes=36_000_000_000,
            licence="ODC-By 1.0",
        ),
    ),
)

MINI = Size(
    name="mini",
    examples={"train": 12_500, "eval_train": 128, "validation": 512, "test": 512},
    batch_size=4,
    published_batch_size=BATCH_SIZES["finewebedu_lm"],
    eval_batch_size=32,
    model=Network(vocabulary=512, length=64, layers=2, width=48, heads=2, hidden=192),
    data=Text(
        folder="mini",
        vocabulary=512,
        length=64,
        recipe=TextRecipe(vocabulary=512, passage=65, drawn_documents=100),
    ),
)

# Depths and widths of networks with about a quarter to 16 times as many parameters. They share the
# data, the batch and the length of mini.
LADDER = {
    "quarter": {"layers": 2, "width": 24, "heads": 2, "hidden": 96},
    "half": {"layers": 2, "width": 36, "heads": 2, "hidden": 144},
    "x2": {"layers": 3, "width": 60, "heads": 3, "hidden": 256},
    "x4": {"layers": 3, "width": 80, "heads": 4, "hidden": 384},
    "x8": {"layers": 4, "width": 104, "heads": 4, "hidden": 512},
    "x16": {"layers": 4, "width": 144, "heads": 6, "hidden": 672},
}

WORKLOAD = Workload(
    name="finewebedu_lm",
    dataset="finewebedu_lm",
    loss_type=LossType.SOFTMAX_CROSS_ENTROPY,
    package="mlgolf.workloads.finewebedu_lm",
    sizes={**with_variants(MINI, LADDER), "full": FULL},
)

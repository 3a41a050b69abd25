"""criteo1tb in numbers: sizes, splits, variants. Imports no framework.

Source of the full size: mlcommons/algorithmic-efficiency, algoperf/workloads/criteo1tb.
"""

from dataclasses import dataclass

from mlgolf.core.errors import WorkloadError
from mlgolf.core.published import BATCH_SIZES
from mlgolf.core.spec import LossType
from mlgolf.core.workload import Published, Size, Workload, with_variants
from mlgolf.data.click_format import NUM_INPUTS
from mlgolf.data.recipes import ClickRecipe, Shapes, SizeData

# Distinct values of the 26 categorical columns in the published data.
VOCABULARY_SIZES = (
    39_884_406, 39_043, 17_289, 7_420, 20_263, 3, 7_120, 1_543, 63, 38_532_951, 2_953_546,
    403_346, 10, 2_208, 11_938, 155, 4, 976, 14, 39_979_771, 25_641_295, 39_664_984, 585_935,
    12_972, 108, 36,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """DLRM: two perceptrons around the inner products of embeddings. Defaults: as published.

    A residual one has no inner products: the second perceptron reads the embeddings themselves.
    """

    table_rows: int = 4_194_304  # one table for all columns; ids are taken modulo this
    table_chunks: int = 4  # tensors that the table is cut into in PyTorch
    bottom: tuple[int, ...] = (512, 256, 128)  # with inner products the last is `embedding`
    embedding: int = 128  # length of an embedding
    top: tuple[int, ...] = (1024, 1024, 512, 256)  # one logit follows
    layer_norm: bool = False  # behind each activation, and on the embeddings
    residual: bool = False  # hidden layers but the first of each add to what they are given
    embedding_scale: float | None = None  # what embeddings start below; None: 1 / sqrt(table_rows)
    width_ratio: int = 1  # of the published widths to these: biases start as large as there

    def __post_init__(self) -> None:
        if not self.residual and self.bottom[-1:] != (self.embedding,):
            raise WorkloadError(
                f"inner products need vectors of one length: embedding is {self.embedding}, and "
                f"the last of bottom {self.bottom}; make them equal, or the network residual"
            )

    def bias_stddev(self, width: int) -> float:
        """Initial, of a layer's biases. In narrow layers larger ones would leave units dead."""
        return (width * self.width_ratio) ** -0.5

    @property
    def initial_scale(self) -> float:
        """Embeddings start evenly spread over [0, this)."""
        return self.table_rows**-0.5 if self.embedding_scale is None else self.embedding_scale


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickData(SizeData):
    """How logs become inputs, and at mini size what they are made of."""

    vocabulary_sizes: tuple[int, ...] = VOCABULARY_SIZES
    recipe: ClickRecipe | None = None

    @property
    def shapes(self) -> Shapes:
        return {"inputs": (NUM_INPUTS,), "targets": (1,)}


FULL = Size(
    name="full",
    examples={
        "train": 4_195_197_692,
        "eval_train": 83_274_637,
        "validation": 83_274_637,
        "test": 95_000_000,
    },
    batch_size=BATCH_SIZES["criteo1tb"],
    published_batch_size=BATCH_SIZES["criteo1tb"],
    eval_batch_size=131_072,
    model=Network(),
    data=ClickData(folder="full"),
    published=(
        Published(
            what="Criteo 1TB Click Logs, days 0 to 23",
            url="https://ailab.criteo.com/criteo-1tb-click-logs-dataset",
            size_bytes=1_100_000_000_000,
            licence="CC BY-NC-SA 4.0, to be acknowledged before the download",
        ),
    ),
)

MINI = Size(
    name="mini",
    examples={
        "train": 1_720_320,
        "eval_train": 10_240,
        "validation": 40_960,
        "test": 40_960,
    },
    batch_size=512,
    published_batch_size=BATCH_SIZES["criteo1tb"],
    eval_batch_size=1_024,
    model=Network(
        table_rows=4_096, bottom=(32, 16), embedding=16, top=(128, 64), width_ratio=16
    ),
    data=ClickData(
        folder="mini",
        vocabulary_sizes=(4_096,) * 26,
        recipe=ClickRecipe(
            rows_per_file=40_960,
            dense=6,
            categories=(1500, 1000, 500, 300, 200, 100, 50, 20),
            zipf_exponent=0.5,
            factors=4,
            bias=-0.5,
            linear_stddev=0.8,
            pair_stddev=2.5,
            missing=0.02,
        ),
    ),
)

VARIANTS = {
    "layernorm": {"layer_norm": True},
    "embed_init": {"embedding_scale": 1.0},
}

FULL_VARIANTS = VARIANTS | {
    "resnet": {"residual": True, "bottom": (256,) * 3, "top": (256,) * 4},
    "test": {"table_rows": 65_536},
}

MINI_VARIANTS = VARIANTS | {
    "resnet": {"residual": True, "bottom": (32,) * 3, "top": (32,) * 4, "width_ratio": 8},
}

WORKLOAD = Workload(
    name="criteo1tb",
    dataset="criteo1tb",
    loss_type=LossType.SIGMOID_CROSS_ENTROPY,
    package="mlgolf.workloads.criteo1tb",
    sizes=with_variants(MINI, MINI_VARIANTS) | with_variants(FULL, FULL_VARIANTS),
    metrics_module="mlgolf.workloads.parts.means",
)

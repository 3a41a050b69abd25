"""imagenet_resnet in numbers: sizes, splits, variants. Imports no framework.

Source of the full size: mlcommons/algorithmic-efficiency, algoperf/workloads/imagenet_resnet.
"""

from dataclasses import dataclass
from typing import Literal

from mlgolf.core.published import BATCH_SIZES
from mlgolf.core.spec import LossType
from mlgolf.core.workload import Published, Size, Workload, with_variants
from mlgolf.data.recipes import DigitRecipe, Shapes, SizeData

# Of the channels red, green and blue, in units of a pixel's 0 to 255.
TRAIN_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
TRAIN_STDDEV = (0.229 * 255, 0.224 * 255, 0.225 * 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A residual network of bottleneck blocks. Defaults: ResNet-50."""

    classes: int
    stem_kernel: int = 7
    stem_stride: int = 2
    stem_pool: bool = True  # 3 x 3 maximum of stride 2 behind the stem
    blocks: tuple[int, ...] = (3, 4, 6, 3)  # per stage; each stage but the first halves the image
    width: int = 64  # channels inside the first stage's blocks; doubles from stage to stage
    expansion: int = 4  # channels between blocks, as a multiple of those inside
    activation: Literal["relu", "silu", "gelu"] = "relu"
    last_norm_scale: float = 0.0  # initial scale of the last batch norm of a block
    residual: bool = True  # whether a block adds its input to its output
    # Without batch norm, convolutions have biases, start with He's gain of 2 for ReLU, and
    # `last_norm_scale` multiplies the initial weights of a block's last convolution.
    batch_norm: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Images(SizeData):
    """How images become inputs, and at mini size what they are made of."""

    resolution: int  # side of the square that the network sees, in pixels
    shorter_side: int  # to which an image is scaled before its centre is cut out for evaluation
    crop_area: tuple[float, float]  # random crops for training, see data/image_crops.py
    crop_aspect: tuple[float, float]
    flip_probability: float  # 0 where a mirror image means something else
    decoded_limit_bytes: int = 4 * 2**30  # keep images decoded in memory up to this size
    recipe: DigitRecipe | None = None

    @property
    def shapes(self) -> Shapes:
        return {"inputs": (3, self.resolution, self.resolution), "targets": ()}


FULL = Size(
    name="full",
    examples={"train": 1_281_167, "eval_train": 50_000, "validation": 50_000, "test": 10_000},
    batch_size=BATCH_SIZES["imagenet_resnet"],
    published_batch_size=BATCH_SIZES["imagenet_resnet"],
    eval_batch_size=1024,
    model=Network(classes=1000),
    data=Images(
        folder="full",
        resolution=224,
        shorter_side=256,
        crop_area=(0.08, 1.0),
        crop_aspect=(3 / 4, 4 / 3),
        flip_probability=0.5,
    ),
    published=(
        Published(
            what="ImageNet (ILSVRC 2012), images for training and validation",
            url="https://image-net.org/download-images",
            size_bytes=154_642_401_280,
            licence="non-commercial research and education, after registration",
        ),
        Published(
            what="ImageNet-v2, matched-frequency",
            url="https://github.com/modestyachts/ImageNetV2",
            size_bytes=1_260_000_000,
            licence="MIT",
        ),
    ),
)

MINI = Size(
    name="mini",
    examples={"train": 16_000, "eval_train": 2_000, "validation": 2_000, "test": 2_000},
    batch_size=16,
    published_batch_size=BATCH_SIZES["imagenet_resnet"],
    eval_batch_size=250,
    model=Network(
        classes=10,
        stem_kernel=3,
        stem_stride=2,
        stem_pool=False,
        blocks=(1, 1, 1),
        width=16,
        expansion=2,
    ),
    data=Images(
        folder="mini",
        resolution=20,
        shorter_side=24,
        crop_area=((20 / 24) ** 2, (20 / 24) ** 2),  # shifted, neither scaled nor stretched
        crop_aspect=(1.0, 1.0),
        flip_probability=0.0,
        recipe=DigitRecipe(
            canvas=24,
            digit_pixels=(8, 11),
            jitter=2,
            clutter=0,
            ground=0.4,
            contrast=(0.4, 0.7),
            noise=0.1,
            digits=(1_197, 300, 300),
        ),
    ),
)

VARIANTS = {
    "silu": {"activation": "silu"},
    "gelu": {"activation": "gelu"},
    "large_bn_init": {"last_norm_scale": 8.0},
}

# Networks of before these ideas, at mini size alone: fifty such layers do not train.
WITHOUT = {
    "plain": {"batch_norm": False, "residual": False, "last_norm_scale": 1.0},
    "no_residual": {"residual": False, "last_norm_scale": 1.0},
    "no_batch_norm": {"batch_norm": False},
}

WORKLOAD = Workload(
    name="imagenet_resnet",
    dataset="imagenet",
    loss_type=LossType.SOFTMAX_CROSS_ENTROPY,
    package="mlgolf.workloads.imagenet_resnet",
    sizes=with_variants(MINI, VARIANTS | WITHOUT) | with_variants(FULL, VARIANTS),
    train_mean=TRAIN_MEAN,
    train_stddev=TRAIN_STDDEV,
)

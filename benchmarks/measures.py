"""What does measuring a model's parameters cost, against one pass of np.linalg.norm over them?"""

import time
from collections.abc import Callable

import numpy as np
from common import print_machine, spread

from mlgolf.core.quantities import quantities

SHAPES = [  # kernels and matrices with a bias each: 1 M parameters
    (64, 3, 3, 3), (128, 64, 3, 3), (256, 128, 3, 3), (512, 784), (300, 512), (250, 300), (10, 250),
]  # fmt: skip
REPETITIONS = 9


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


def main() -> None:
    print_machine()
    rng = np.random.default_rng(0)
    model = {
        f"{kind}_{n}": rng.standard_normal(shape, dtype=np.float32)
        for n, whole in enumerate(SHAPES)
        for kind, shape in (("kernel", whole), ("bias", whole[:1]))
    }
    print(f"{sum(a.size for a in model.values()) / 1e6:.3g} M float32 in {len(model)} arrays")

    def plain() -> list:
        return [np.linalg.norm(array) for array in model.values()]

    plain()
    for quantity in quantities().values():
        if measure := quantity.measure:
            measure(model)
            pairs = [  # interleaved, so that both see the same neighbours
                (milliseconds(lambda measure=measure: measure(model)), milliseconds(plain))
                for _ in range(REPETITIONS)
            ]
            ratios = [ours / bare for ours, bare in pairs]
            ours, bare = zip(*pairs, strict=True)
            print(
                f"{quantity.name} / np.linalg.norm = {spread(ratios)}; {quantity.name} "
                f"{spread(ours)} ms, np.linalg.norm {spread(bare)} ms"
            )


if __name__ == "__main__":
    main()

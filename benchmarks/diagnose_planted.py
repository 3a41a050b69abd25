"""Does `mlgolf diagnose` name the bottleneck that was planted in a training script?

    diagnose_planted.py [NAME ...]     for each case: planted, found, its share; then how many agree

Each case is a small script of its own, run as anybody's would be: this file with `--train NAME`.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, distributed, nn

import mlgolf

Batch = tuple[Tensor, Tensor]
MEMORY_LIMIT = 3e9  # bytes, in the case that is to run out
PROCESSES = 2  # in the cases that communicate
SLOW_SECONDS = 0.05  # that one of them takes longer
GREEDY = 1_500_000  # examples: 1,000 numbers each take 6 GB


def batches(size: int, width: int) -> Iterator[Batch]:
    inputs, targets = torch.randn(size, width), torch.randn(size, 1)
    while True:
        yield inputs, targets


def train(
    model: nn.Module, loader: Iterable[Batch], optimizer: torch.optim.Optimizer | None = None,
    passes: int = 1, between_seconds: float = 0.0,
) -> None:
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=1e-4)
    watch = mlgolf.observe(loader)
    for _ in range(passes):
        for inputs, targets in watch:
            with watch.step():
                optimizer.zero_grad()
                loss = (model(inputs) - targets).square().mean()
                loss.backward()
                optimizer.step()
        time.sleep(between_seconds)  # an evaluation


def slow_loader() -> None:
    def slow() -> Iterator[Batch]:
        for batch in batches(64, 256):
            time.sleep(0.02)  # a disk
            yield batch

    torch.set_num_threads(1)
    train(nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1)), slow())


class ManySmall(nn.Module):
    """Hundreds of operations on a few numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, inputs: Tensor) -> Tensor:
        found = inputs[:, :4]
        for _ in range(300):
            found = (found * self.weight).tanh() + found
        return found.mean(1, keepdim=True)


def many_tiny_operations() -> None:
    torch.set_num_threads(1)
    train(ManySmall(), batches(8, 4))


class Elementwise(nn.Module):
    """Every operation reads and writes 64 MB, and computes little."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, inputs: Tensor) -> Tensor:
        found = inputs
        for _ in range(4):
            found = (found * self.scale + inputs).relu()
        return found.mean(1, keepdim=True)


def elementwise_model() -> None:
    torch.set_num_threads(1)
    train(Elementwise(), batches(4096, 4096))


def large_product() -> None:
    torch.set_num_threads(1)
    train(nn.Sequential(nn.Linear(1024, 1024), nn.Linear(1024, 1024)), batches(1024, 1024))


def too_many_threads() -> None:
    torch.set_num_threads(16)
    layers = [layer for _ in range(6) for layer in (nn.Linear(192, 192), nn.ReLU())]
    train(nn.Sequential(*layers), batches(256, 192))


def out_of_memory() -> None:
    torch.set_num_threads(1)
    train(nn.Linear(1000, 1), batches(GREEDY, 1000))


def slow_optimizer(batches_of_a_pass: int = 1000, passes: int = 1) -> None:
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Embedding(200_000, 32), nn.Flatten(), nn.Linear(32 * 4, 1))
    optimizer = torch.optim.Adam(model.parameters())
    rows = torch.randint(0, 200_000, (16, 4)), torch.randn(16, 1)
    train(model, [rows] * batches_of_a_pass, optimizer, passes, between_seconds=0.2)


def slow_optimizer_in_short_passes() -> None:
    slow_optimizer(batches_of_a_pass=20, passes=10)


def train_together(wrapped: Callable[[nn.Module], nn.Module]) -> None:
    """The first of two processes waits for the second, which takes longer in its forward pass."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    model = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
    if distributed.get_rank():
        model.register_forward_hook(lambda *_: time.sleep(SLOW_SECONDS))
    train(wrapped(model), batches(64, 256))


def slow_process() -> None:
    train_together(nn.parallel.DistributedDataParallel)


def slow_process_by_hand() -> None:
    def summed(model: nn.Module) -> nn.Module:
        """Each gradient is summed where it is computed."""
        for parameter in model.parameters():
            parameter.register_hook(sum_of_processes)
        return model

    train_together(summed)


def sum_of_processes(gradient: Tensor) -> Tensor:
    distributed.all_reduce(gradient)
    return gradient


CASES: dict[str, tuple[Callable[[], None], str]] = {
    "slow_loader": (slow_loader, "input"),
    "many_tiny_operations": (many_tiny_operations, "overhead"),
    "elementwise_model": (elementwise_model, "bandwidth"),
    "large_product": (large_product, "compute"),
    "too_many_threads": (too_many_threads, "threads"),
    "out_of_memory": (out_of_memory, "memory"),
    "slow_optimizer": (slow_optimizer, "optimizer"),
    "slow_optimizer_in_short_passes": (slow_optimizer_in_short_passes, "optimizer"),
    "slow_process": (slow_process, "interconnect"),
    "slow_process_by_hand": (slow_process_by_hand, "interconnect"),
}


def main(names: list[str]) -> None:
    from common import print_machine

    print_machine()
    right = 0
    for name in names or CASES:
        planted = CASES[name][1]
        limit = MEMORY_LIMIT if planted == "memory" else None
        found = mlgolf.diagnose_script(
            Path(__file__), ["--train", name], memory_limit=limit,
            processes=PROCESSES if planted == "interconnect" else 1,
        )
        shares = sorted(found.found.shares.items(), key=lambda item: -item[1])[:3]
        told = ", ".join(f"{part} {share:.0%}" for part, share in shares)
        right += found.bottleneck == planted
        print(f"{name}: planted {planted}, found {found.bottleneck} ({told})", flush=True)
    print(f"{right} of {len(names or CASES)} named as planted")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        CASES[sys.argv[2]][0]()
    else:
        main(sys.argv[1:])

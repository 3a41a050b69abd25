"""Trains a small network on scikit-learn's digits, and exports it as ONNX; or a broken one.

    python export_digits.py sound              # model.onnx, reference.npz, data.npz in ./sound
    python export_digits.py no_normalisation   # the data are what the app would hand over: 0 to 16
    python export_digits.py training_mode      # exported without network.eval()
    python export_digits.py transposed         # rows and columns swapped within the model
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

FAULTS = ("sound", "no_normalisation", "training_mode", "transposed")
HELD_OUT, STEPS, BATCH = 600, 400, 64


class Transposed(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images.transpose(2, 3))


def network() -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.BatchNorm2d(16), torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.BatchNorm2d(32), torch.nn.ReLU(),
        torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(512, 10),
    )  # fmt: skip


def trained(images: torch.Tensor, targets: torch.Tensor) -> torch.nn.Module:
    torch.set_num_threads(1)  # the network is too small for more
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(STEPS):
        chosen = torch.randint(len(images), (BATCH,))
        loss = torch.nn.functional.cross_entropy(model(images[chosen]), targets[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def export(model: torch.nn.Module, images: torch.Tensor, file: Path, trains: bool) -> None:
    mode = torch.onnx.TrainingMode
    torch.onnx.export(
        model.train(trains), (images[:2],), str(file), dynamo=False, input_names=["images"],
        output_names=["logits"], dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
        training=mode.TRAINING if trains else mode.EVAL, do_constant_folding=not trains,
    )


def main(fault: str) -> None:
    digits = load_digits()
    pixels = digits.images[:, None].astype("f4")
    images = torch.from_numpy((pixels - pixels.mean()) / pixels.std())
    targets = torch.from_numpy(digits.target)
    model = trained(images[HELD_OUT:], targets[HELD_OUT:])
    with torch.no_grad():
        outputs = model(images[:HELD_OUT]).numpy()
    folder = Path(fault)
    folder.mkdir(exist_ok=True)
    given = pixels if fault == "no_normalisation" else images.numpy()
    np.savez(folder / "reference.npz", logits=outputs)
    np.savez(folder / "data.npz", images=given[:HELD_OUT], targets=digits.target[:HELD_OUT])
    exported = Transposed(model) if fault == "transposed" else model
    export(exported, images, folder / "model.onnx", trains=fault == "training_mode")


if __name__ == "__main__":
    if sys.argv[1:] not in [[fault] for fault in FAULTS]:
        sys.exit(f"give one of {', '.join(FAULTS)}")
    warnings.simplefilter("ignore")
    main(sys.argv[1])

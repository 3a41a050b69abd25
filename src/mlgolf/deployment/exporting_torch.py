"""Networks in PyTorch as ONNX, by torch.onnx with torch.export, which knows the newer layers."""

from pathlib import Path

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlgolf.deployment.exporting import Arrays, Network

LARGEST_FILE = 1.9e9  # bytes: beyond 2 GB weights lie in a file beside


class _Positional(nn.Module):
    """A network that takes its inputs in their order, as files of ONNX do."""

    def __init__(self, network: Network, names: list[str]) -> None:
        super().__init__()
        self.network, self.names, self.params = network, names, network.params

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(dict(zip(self.names, inputs, strict=True)))


@torch.no_grad()
def outputs(network: Network, inputs: Arrays) -> NDArray:
    return network.backend.to_numpy(network(network.backend.to_device(inputs)))


def write(network: Network, inputs: Arrays, file: Path, batch_size: int) -> bool:
    """See `Exporter.write`."""
    given = network.backend.to_device(inputs)
    module = _Positional(network, list(given)).eval()
    held = sum(tensor.nbytes for tensor in module.state_dict().values())
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        module, tuple(given.values()), str(file), dynamo=True, verbose=False,
        input_names=list(given), output_names=[network.output],
        dynamic_shapes=(tuple({0: batch} for _ in given),),
        external_data=held > LARGEST_FILE,
    )  # fmt: skip
    return True

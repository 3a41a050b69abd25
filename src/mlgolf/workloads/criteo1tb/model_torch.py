"""DLRM in PyTorch, and its loss.

Source: Naumov et al. (2019), arXiv:1906.00091; sizes, names and initial values as in
mlcommons/algorithmic-efficiency, where all columns share one table.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.data.click_format import NUM_CATEGORICAL, NUM_DENSE
from mlgolf.workloads.criteo1tb.spec import Network
from mlgolf.workloads.parts.losses_torch import masked_losses

NORM_EPSILON = 1e-6


class Model:
    """Params are the module; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.network: Network = size.model

    def init(self, rng: Any) -> tuple[nn.Module, None]:
        """Args: rng: (2,) integers, of which the first is the seed."""
        torch.random.manual_seed(int(rng[0]))
        return DLRM(self.network), None

    def apply(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Tensor, None]:
        """Logits (B, 1) of `inputs` (B, 39). There is no batch norm."""
        params.train(mode is ForwardPassMode.TRAIN)
        for module in params.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout_rate
        return params(batch["inputs"]), None

    def loss(
        self, label_batch: Tensor, logits_batch: Tensor, mask_batch: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Tensor]:
        """Sigmoid cross-entropy of (B, 1) or (B,) labels and logits; smoothing is ignored."""
        per_example = F.binary_cross_entropy_with_logits(
            logits_batch.reshape(-1), label_batch.reshape(-1), reduction="none"
        )
        return masked_losses(per_example, mask_batch)

    def is_output(self, key: str) -> bool:
        """The last linear layer.

        It stands behind linear, ReLU (and norm) for each width and the dropout; in a residual
        network behind one block for each width.
        """
        layers_per_width = 3 if self.network.layer_norm else 2
        widths = len(self.network.top)
        number = widths if self.network.residual else layers_per_width * widths + 1
        return key.startswith(f"top_mlp.{number}.")


class DLRM(nn.Module):
    """Two perceptrons; between them inner products of embeddings, or the embeddings themselves."""

    pair_index: Tensor  # (378,), where the upper triangle lies in a flattened 27 x 27 matrix

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self._init_table()
        if network.layer_norm:
            self.embed_ln = nn.LayerNorm(network.embedding, eps=NORM_EPSILON)
        perceptron = _residual_perceptron if network.residual else _perceptron
        vectors = 1 + NUM_CATEGORICAL
        pairs = vectors * (vectors + 1) // 2
        between = NUM_CATEGORICAL * network.embedding if network.residual else pairs
        self.bot_mlp = perceptron(NUM_DENSE, network.bottom, network)
        top_in = network.bottom[-1] + between
        self.top_mlp = perceptron(top_in, network.top, network, readout=1)
        _init_perceptron(self.bot_mlp, nn.init.xavier_uniform_, network)
        _init_perceptron(self.top_mlp, nn.init.xavier_normal_, network)
        row, column = torch.triu_indices(vectors, vectors)
        # Built from the sizes alone, so it belongs neither to params nor to model_state.
        self.register_buffer("pair_index", row * vectors + column, persistent=False)

    def _init_table(self) -> None:
        """Cut into `embedding_chunk_0`, `embedding_chunk_1` …"""
        network = self.network
        rows = network.table_rows // network.table_chunks
        for chunk in range(network.table_chunks):
            values = torch.rand(rows, network.embedding) * network.initial_scale
            self.register_parameter(f"embedding_chunk_{chunk}", nn.Parameter(values))

    def forward(self, inputs: Tensor) -> Tensor:
        bottom = self.bot_mlp(inputs[:, :NUM_DENSE])
        embedded = self._embed(inputs[:, NUM_DENSE:])
        if self.network.residual:
            return self.top_mlp(torch.cat([bottom, embedded.flatten(1)], dim=1))
        vectors = torch.cat([bottom[:, None], embedded], dim=1)
        products = vectors @ vectors.transpose(1, 2)
        # The upper triangle with the diagonal, row by row.
        pairs = products.flatten(1).index_select(1, self.pair_index)
        return self.top_mlp(torch.cat([bottom, pairs], dim=1))

    def _embed(self, ids: Tensor) -> Tensor:
        """(B, 26) ids to (B, 26, embedding)."""
        chunks = range(self.network.table_chunks)
        table = torch.cat(tuple(self.get_parameter(f"embedding_chunk_{c}") for c in chunks))
        vectors = F.embedding(ids.long() % self.network.table_rows, table)
        return self.embed_ln(vectors) if self.network.layer_norm else vectors


class Block(nn.Module):
    """Layers, whose output may be added to their input."""

    def __init__(self, layers: list[nn.Module], adds: bool) -> None:
        super().__init__()
        self.module, self.adds = nn.Sequential(*layers), adds

    def forward(self, x: Tensor) -> Tensor:
        return x + self.module(x) if self.adds else self.module(x)


def _perceptron(
    width: int, widths: tuple[int, ...], network: Network, readout: int | None = None
) -> nn.Sequential:
    """Hidden layers, then, with a readout of so many outputs, dropout before it."""
    layers: list[nn.Module] = []
    for width_in, width_out in zip((width, *widths), widths, strict=False):
        layers += _hidden(width_in, width_out, network)
    if readout:
        layers += [nn.Dropout(0.0), nn.Linear(widths[-1], readout)]
    return nn.Sequential(*layers)


def _residual_perceptron(
    width: int, widths: tuple[int, ...], network: Network, readout: int | None = None
) -> nn.Sequential:
    """A block for each width; all but the first add. Dropout is in the last block's branch."""
    hidden = [
        _hidden(width_in, width_out, network)
        for width_in, width_out in zip((width, *widths), widths, strict=False)
    ]
    if readout:
        hidden[-1].append(nn.Dropout(0.0))
    blocks = [Block(layers, adds=number > 0) for number, layers in enumerate(hidden)]
    if readout:
        blocks.append(Block([nn.Linear(widths[-1], readout)], adds=False))
    return nn.Sequential(*blocks)


def _hidden(width_in: int, width_out: int, network: Network) -> list[nn.Module]:
    """Linear and ReLU, and a layer norm where the variant has them."""
    layers: list[nn.Module] = [nn.Linear(width_in, width_out), nn.ReLU()]
    if network.layer_norm:
        layers.append(nn.LayerNorm(width_out, eps=NORM_EPSILON))
    return layers


def _init_perceptron(layers: nn.Sequential, init_weight: Any, network: Network) -> None:
    """Weights as given; biases normal."""
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            init_weight(layer.weight)
            nn.init.normal_(layer.bias, std=network.bias_stddev(layer.out_features))

"""A decoder-only Transformer in PyTorch, and its loss.

Pre-norm blocks with rotary positions (Su et al., 2021, arXiv:2104.09864), queries and keys of unit
length (Henry et al., 2020, arXiv:2010.04245) and gated feed-forward layers (Shazeer, 2020,
arXiv:2002.05202). Sizes, names and initial values as in mlcommons/algorithmic-efficiency.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.finewebedu_lm.spec import Network
from mlgolf.workloads.parts.losses_torch import masked_losses


class Model:
    """Params are the module; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.network: Network = size.model

    def init(self, rng: Any) -> tuple[nn.Module, None]:
        """Args: rng: (2,) integers, of which the first is the seed."""
        torch.random.manual_seed(int(rng[0]))
        return Transformer(self.network), None

    def apply(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Tensor, None]:
        """Logits (B, L, vocabulary) of `inputs` (B, L). There is no dropout and no batch norm."""
        params.train(mode is ForwardPassMode.TRAIN)
        return params(batch["inputs"]), None

    def loss(
        self, label_batch: Tensor, logits_batch: Tensor, mask_batch: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Tensor]:
        """Softmax cross-entropy of (B, L) labels, summed over each row; what counts are tokens.

        Args:
          mask_batch: (B,), of rows, or (B, L), of tokens.
        """
        losses = F.cross_entropy(
            logits_batch.flatten(0, 1), label_batch.flatten().long(), reduction="none",
            label_smoothing=label_smoothing,
        ).view(label_batch.shape)
        return masked_losses(losses, mask_batch)

    def decode(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None, logits: Tensor
    ) -> tuple[()]:
        """Nothing: metrics are of the losses alone, and the logits of a vocabulary are large."""
        return ()

    def is_output(self, key: str) -> bool:
        """The table of tokens, which the logits are read from."""
        return key.startswith("embed_tokens.")


class Transformer(nn.Module):
    """`embed_tokens`, the blocks `layers.0`, `layers.1` …, `out_norm`."""

    turns: Tensor  # (2, length, 1, head_width / 2): cosines and sines of each pair's angle

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.multiplier = network.multiplier
        self.embed_tokens = nn.Embedding(network.vocabulary, network.width)
        self.layers = nn.ModuleList(Block(network) for _ in range(network.layers))
        self.out_norm = norm(network)
        nn.init.normal_(self.embed_tokens.weight, std=network.initial_stddev)
        # Built from the sizes alone, so it belongs neither to params nor to model_state.
        self.register_buffer("turns", rotary_turns(network), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.embed_tokens(inputs) * self.multiplier
        turns = self.turns[:, : inputs.shape[1]]
        for layer in self.layers:
            x = layer(x, turns)
        return F.linear(self.out_norm(x) * self.multiplier, self.embed_tokens.weight)


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.attn_norm, self.attn = norm(network), Attention(network)
        self.mlp_norm, self.mlp = norm(network), FeedForward(network)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        x = x + self.attn(self.attn_norm(x), turns)
        return x + self.mlp(self.mlp_norm(x))


class Attention(nn.Module):
    """Causal, over unit queries and keys, whose products a learned scalar multiplies."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.w_qkv = Linear(network, network.width, 3 * network.width, network.initial_stddev)
        self.w_out = Linear(network, network.width, network.width, network.residual_stddev)
        self.attn_scale = nn.Parameter(torch.tensor(network.initial_scale))

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """Args: x: (B, L, width). turns: as of Transformer, (2, L, 1, head_width / 2)."""
        heads = self.network.heads
        qkv = self.w_qkv(x).unflatten(2, (3 * heads, self.network.head_width))
        pointers, values = qkv.split([2 * heads, heads], dim=2)
        pointers = unit(rotated(pointers, turns), self.network.unit_epsilon)
        queries, keys = pointers.split(heads, dim=2)
        attended = F.scaled_dot_product_attention(
            (queries * self.attn_scale).transpose(1, 2), keys.transpose(1, 2),
            values.transpose(1, 2), is_causal=True, scale=1.0,
        )
        return self.w_out(attended.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """A linear layer whose first half is gated by the sigmoid of the second, and one back."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.fc1 = Linear(network, network.width, 2 * network.hidden, network.initial_stddev)
        self.fc2 = Linear(network, network.hidden, network.width, network.residual_stddev)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.glu(self.fc1(x)))


class Linear(nn.Linear):
    """Without biases; normal weights, times the network's multiplier."""

    def __init__(self, network: Network, width: int, width_out: int, stddev: float) -> None:
        self.stddev = stddev
        super().__init__(width, width_out, bias=False)
        self.multiplier = network.multiplier

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=self.stddev)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input * self.multiplier, self.weight)


def norm(network: Network) -> nn.RMSNorm:
    return nn.RMSNorm(network.width, eps=network.norm_epsilon)


def rotary_turns(network: Network) -> Tensor:
    """Cosines and sines by position and pair: (2, length, 1, head_width / 2)."""
    pairs = torch.arange(0, network.head_width, 2, dtype=torch.float64)
    speeds = network.rotary_base ** (-pairs / network.head_width)
    angles = torch.outer(torch.arange(network.length, dtype=torch.float64), speeds)
    return torch.stack([angles.cos(), angles.sin()])[:, :, None].float()


def rotated(x: Tensor, turns: Tensor) -> Tensor:
    """Neighbouring entries 2i and 2i + 1 of x (B, L, heads, head_width), turned as a pair."""
    even, odd = x.unflatten(3, (-1, 2)).unbind(4)
    cosine, sine = turns
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], 4).flatten(3)


def unit(x: Tensor, epsilon: float) -> Tensor:
    """x / sqrt(|x|^2 + epsilon^2) over the last axis."""
    return x * torch.rsqrt((x * x).sum(-1, keepdim=True) + epsilon**2)

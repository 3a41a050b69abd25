"""A network of one hidden layer on the last characters, its weights rounded to a few values.

Every stored number counts, so weights are multiples of a step: fewer different values take fewer
bits, and predict a little worse. The network is trained without rounding first, then with steps
that grow; gradients pass the rounding as if it were not there (Bengio, Léonard and Courville 2013).
"""

import onnx_layers
import torch
from torch.nn.functional import cross_entropy, embedding, linear, relu

CONTEXT, EMBEDDING, HIDDEN, BATCH = 6, 8, 64, 256
ROUNDINGS = (0.0, 0.05, 0.1, 0.15, 0.2)  # steps of the weights, one after the other
STEPS = (8000, 4000, 4000, 4000, 4000)  # of training


def play(game):
    torch.manual_seed(game.seed)
    classes, window = game.task.num_classes, game.task.inputs.shape[0]
    shapes = [(classes, EMBEDDING), (HIDDEN, CONTEXT * EMBEDDING), (HIDDEN,), (classes, HIDDEN)]
    weights = [(torch.randn(shape) / shape[-1] ** 0.5).requires_grad_() for shape in shapes]
    weights.append(torch.zeros(classes, requires_grad=True))
    batches = game.batches(BATCH)
    for step, steps in zip(ROUNDINGS, STEPS, strict=True):
        optimizer = torch.optim.Adam(weights, lr=3e-3)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, steps)
        for _, batch in zip(range(steps), batches, strict=False):
            characters = torch.from_numpy(batch["inputs"][:, -CONTEXT:])
            logits = network([rounded(w, step) for w in weights], characters)
            loss = cross_entropy(logits, torch.from_numpy(batch["targets"]).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        numbers = [rounded(w, step).detach().numpy() for w in weights]
        found = game.submit(onnx_layers.mlp(*numbers, context=CONTEXT, window=window))
        game.log(rounding=step, bits=found.get("train/bits", float("nan")))


def network(weights, characters):
    table, hidden, hidden_bias, output, output_bias = weights
    features = embedding(characters, table).flatten(1)
    return linear(relu(linear(features, hidden, hidden_bias)), output, output_bias)


def rounded(weight, step):
    """The nearest multiple of the step, with the gradient of the weight itself."""
    return weight + (step * torch.round(weight / step) - weight).detach() if step else weight

"""The loss of distillation in PyTorch. See distillation.py."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mlgolf.methods.distillation import Distillation


def distilled(
    method: Distillation, loss: Tensor, logits: Tensor, teacher_logits: Tensor, progress: float
) -> Tensor:
    """(1 - weight) × loss + weight × temperature² × KL(teacher || student), the mean over examples.

    Args: loss: of the labels, shape (). logits: (..., classes); no gradient enters the teacher's.
    """
    weight = method.at(progress)
    if weight == 0:
        return loss
    student = F.log_softmax(logits / method.temperature, dim=-1)
    teacher = F.log_softmax(teacher_logits.detach() / method.temperature, dim=-1)
    divergence = (teacher.exp() * (teacher - student)).sum(dim=-1).mean()
    return torch.lerp(loss, method.temperature**2 * divergence, weight)

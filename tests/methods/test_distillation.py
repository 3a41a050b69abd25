import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from frameworks import rng
from numpy.testing import assert_allclose

from mlgolf.methods import Distillation, distillation_jax, distillation_torch

STUDENT, TEACHER = rng(1).normal(size=(2, 6, 4)).astype(np.float32)
LOSS = np.float32(1.7)


def by_torch(method, progress, student=STUDENT, teacher=TEACHER):
    arrays = (torch.tensor(array) for array in (LOSS, student, teacher))
    return float(distillation_torch.distilled(method, *arrays, progress))


def by_jax(method, progress, student=STUDENT, teacher=TEACHER):
    arrays = (jnp.asarray(array) for array in (LOSS, student, teacher))
    return float(distillation_jax.distilled(method, *arrays, progress))


def softmax(logits):
    powers = np.exp(logits.astype(float))
    return powers / powers.sum(axis=-1, keepdims=True)


in_both = pytest.mark.parametrize(
    "distilled", [pytest.param(by_torch, id="torch"), pytest.param(by_jax, id="jax")]
)


@in_both
def test_the_loss_follows_its_formula(distilled):
    teacher, student = softmax(TEACHER / 3), softmax(STUDENT / 3)
    divergence = (teacher * np.log(teacher / student)).sum(axis=1).mean()
    method = Distillation(weight=0.4, temperature=3.0, decays=False)
    assert distilled(method, 0.2) == pytest.approx(0.6 * LOSS + 0.4 * 9 * divergence, rel=1e-5)


@in_both
def test_who_agrees_with_the_teacher_has_the_loss_of_the_labels_alone_left(distilled):
    method = Distillation(weight=0.4, decays=False)
    assert distilled(method, 0.0, TEACHER, TEACHER) == pytest.approx(0.6 * LOSS, rel=1e-5)


def test_the_teacher_fades_and_is_gone_behind_the_window():
    method = Distillation(weight=0.8, end=0.5)
    assert [method.at(p) for p in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0.8, 0.4, 0.0, 0.0])


@in_both
def test_behind_its_window_the_loss_is_that_of_the_labels(distilled):
    assert distilled(Distillation(end=0.5), 0.7) == pytest.approx(LOSS, rel=1e-7)


def test_no_gradient_enters_the_teacher():
    method, teacher = Distillation(), torch.tensor(TEACHER, requires_grad=True)
    student = torch.tensor(STUDENT, requires_grad=True)
    distillation_torch.distilled(method, torch.tensor(LOSS), student, teacher, 0.0).backward()
    assert teacher.grad is None
    assert student.grad is not None
    slope = jax.grad(lambda t: distillation_jax.distilled(method, 0.0, STUDENT, t, 0.0))(TEACHER)
    assert_allclose(slope, 0)

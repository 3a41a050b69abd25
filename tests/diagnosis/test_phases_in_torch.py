import pytest

torch = pytest.importorskip("torch")

from mlgolf.diagnosis.phases_torch import phases_of  # noqa: E402


class Steps:
    """A clock, and steps of known phases. Differentiating takes 3 seconds, all of them its own."""

    def __init__(self):
        self.now = 0.0
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.weight.register_hook(self._differentiated)

    def _differentiated(self, _):
        self.now += 3.0

    def phases(self, *backward):
        def step():
            for differentiate in backward:
                self.now += 1.0
                differentiate(2 * self.weight)
            self.now += 5.0

        return phases_of(step, lambda: self.now, lambda begin, end: end - begin)

    def by_grad(self, loss):
        torch.autograd.grad(loss, [self.weight])


def seconds(found):
    return found.forward, found.backward, found.optimizer


def test_what_follows_the_last_backward_pass_is_the_optimizer():
    steps = Steps()
    assert seconds(steps.phases(steps.by_grad)) == (1.0, 3.0, 5.0)


def test_backward_of_a_tensor_is_a_backward_pass_too():
    steps = Steps()
    assert seconds(steps.phases(lambda loss: loss.backward())) == (1.0, 3.0, 5.0)


def test_several_passes_add_up():
    steps = Steps()
    assert seconds(steps.phases(steps.by_grad, steps.by_grad)) == (2.0, 6.0, 5.0)


def test_a_step_without_a_backward_pass_is_not_split():
    assert Steps().phases(lambda loss: None) is None


def test_torch_is_left_as_it_was_though_a_step_fails():
    before = torch.autograd.grad, torch.autograd.backward

    def fail(loss):
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        Steps().phases(fail)
    assert (torch.autograd.grad, torch.autograd.backward) == before

import pytest

from mlgolf.testing.contract import ModelContract, WorkloadContract

pytest.importorskip("torch")
pytest.importorskip("jax")


class TestTorch(WorkloadContract):
    workload, framework = "finewebedu_lm", "torch"


class TestJax(ModelContract):
    workload, framework = "finewebedu_lm", "jax"

    # What these compile takes seconds, and what they show at this size the parity test shows, too.

    @pytest.mark.long
    def test_a_training_step_has_a_finite_loss_and_gradients_that_are_not_all_zero(self, prepared):
        super().test_a_training_step_has_a_finite_loss_and_gradients_that_are_not_all_zero(prepared)

    @pytest.mark.long
    def test_two_steps_give_every_parameter_a_gradient(self, prepared):
        super().test_two_steps_give_every_parameter_a_gradient(prepared)

    @pytest.mark.long
    def test_metrics_do_not_depend_on_how_a_split_is_cut_into_batches(self, prepared):
        super().test_metrics_do_not_depend_on_how_a_split_is_cut_into_batches(prepared)

    @pytest.mark.long
    def test_training_differs_from_evaluation_by_statistics_and_dropout_alone(self, prepared):
        super().test_training_differs_from_evaluation_by_statistics_and_dropout_alone(prepared)


@pytest.mark.long
class TestTorchX4(ModelContract):
    workload, size, framework = "finewebedu_lm", "mini_x4", "torch"


@pytest.mark.long
class TestJaxX4(ModelContract):
    workload, size, framework = "finewebedu_lm", "mini_x4", "jax"


@pytest.mark.long
class TestTorchX16(ModelContract):
    workload, size, framework = "finewebedu_lm", "mini_x16", "torch"


@pytest.mark.long
class TestJaxX16(ModelContract):
    workload, size, framework = "finewebedu_lm", "mini_x16", "jax"

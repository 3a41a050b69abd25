from dataclasses import replace

from mlgolf.core.registry import load_workload
from mlgolf.testing.linear import data
from mlgolf.workloads.imagenet_resnet import metrics

IMAGES = load_workload("imagenet_resnet")


def test_a_workload_has_the_data_and_metrics_of_its_folder():
    assert IMAGES.data().__name__ == "mlgolf.workloads.imagenet_resnet.data"
    assert isinstance(IMAGES.metrics(IMAGES.size("mini")), metrics.Metrics)


def test_a_workload_may_name_the_data_of_another():
    assert replace(IMAGES, data_module="mlgolf.testing.linear.data").data() is data


def test_a_workload_may_name_the_metrics_of_another():
    other = replace(load_workload("linear"), metrics_module=metrics.__name__)
    assert isinstance(other.metrics(other.size("mini")), metrics.Metrics)

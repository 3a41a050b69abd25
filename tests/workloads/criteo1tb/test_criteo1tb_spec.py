"""Networks that cannot be: refused when they are described."""

import pytest

from mlgolf.core.errors import WorkloadError
from mlgolf.workloads.criteo1tb.spec import Network


@pytest.mark.parametrize("bottom", [(32, 8), ()])
def test_inner_products_of_vectors_of_two_lengths_are_refused(bottom):
    with pytest.raises(WorkloadError, match="embedding is 16"):
        Network(bottom=bottom, embedding=16)


def test_a_residual_network_may_have_them():
    assert Network(bottom=(32, 8), embedding=16, residual=True).embedding == 16

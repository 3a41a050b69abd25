import numpy as np
from onnx import helper, numpy_helper
from small_models import inputs, linear

from mlgolf.deployment.quantising import layer_costs

MASK = numpy_helper.from_array(np.array([0, 0, -1e9], "f4"), "masked")


def test_a_softmax_behind_a_mask_is_told_as_what_8_bits_cost_most(tmp_path):
    nodes = [
        helper.make_node("Constant", [], ["mask"], value=MASK, name="constant"),
        helper.make_node("Tanh", ["hidden"], ["bounded"], name="tanh"),
        helper.make_node("Add", ["bounded", "mask"], ["scores"], name="add"),
        helper.make_node("Softmax", ["scores"], ["logits"], name="softmax"),
    ]
    model, data = linear(tmp_path / "model.onnx", extra=nodes), tmp_path / "data.npz"
    np.savez(data, x=inputs())
    rows = layer_costs(str(model), str(data), "static", batch_size=60)["layers"]
    assert rows[0]["operator"] in ("Add", "Softmax")
    assert rows[-1]["layer"] == "product"
    assert rows[-1]["relative"] < 0.1 < rows[0]["relative"]

from mlgolf.methods import LabelSmoothing


def test_the_point_gets_the_smoothing_that_the_loss_takes():
    point = {"learning_rate": 0.1, "label_smoothing": 0.3}
    smoothed = LabelSmoothing(smoothing=0.2, end=0.5).point(point, 0.0)
    assert smoothed == {"learning_rate": 0.1, "label_smoothing": 0.2}
    assert point["label_smoothing"] == 0.3


def test_there_is_none_outside_its_window():
    assert LabelSmoothing(end=0.5).point({}, 0.5) == {"label_smoothing": 0.0}

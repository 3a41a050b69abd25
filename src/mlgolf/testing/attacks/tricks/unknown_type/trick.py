"""Hands over a model whose numbers are of a type that numpy lacks."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import hand_over, with_header


class Submission(Honest):
    def update_params(self, **given):
        header = b'{"0.weight":{"dtype":"BF16","shape":[1,32],"data_offsets":[0,64]}}'
        hand_over(with_header(header, bytes(64)))


submission = Submission()

"""Hands over a model whose arrays lie on top of one another."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import hand_over, with_header


class Submission(Honest):
    def update_params(self, **given):
        place = '"dtype":"F32","data_offsets":[0,128]'
        header = (
            f'{{"0.weight":{{{place},"shape":[1,32]}},"0.bias":{{{place},"shape":[32]}}}}'.encode()
        )
        hand_over(with_header(header, bytes(128)))


submission = Submission()

"""Hands over a model whose header points outside of it."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import hand_over, with_header


class Submission(Honest):
    def update_params(self, **given):
        header = b'{"0.weight":{"dtype":"F32","shape":[1,32],"data_offsets":[0,99999999]}}'
        hand_over(with_header(header))


submission = Submission()

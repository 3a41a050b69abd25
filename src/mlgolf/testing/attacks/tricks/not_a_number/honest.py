"""Makes what is not finite finite."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        for parameter in given["current_param_container"].parameters():
            parameter.data.nan_to_num_()
        return super().update_params(**given)


submission = Submission()

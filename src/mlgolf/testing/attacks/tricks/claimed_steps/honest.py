"""Looks at the validation loss now and then."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] % 100 == 99:
            given["workload"].eval_model(
                1, given["current_param_container"], given["model_state"], given["rng"]
            )
        return super().update_params(**given)


submission = Submission()

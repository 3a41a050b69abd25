"""Says that all goals are reached."""

from mlgolf.core import spec
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import harness


class Submission(Honest):
    def update_params(self, **given):
        state = harness()._train_state
        for goal in ("validation_goal_reached", "test_goal_reached"):
            state[goal] = True
        type(given["workload"]).has_reached_validation_target = lambda *_: True
        harness()._eval_results.append((1, {"validation/loss": 0.0}))
        if given["global_step"] == 20:
            raise spec.TrainingCompleteError("the target is reached")
        return super().update_params(**given)


submission = Submission()

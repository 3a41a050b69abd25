"""Raises the limits that it was given."""

import resource

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


def raised(which):
    hard = resource.getrlimit(which)[1]
    if hard == resource.RLIM_INFINITY:
        return "it has no limit"
    try:
        resource.setrlimit(which, (hard + 1, hard + 1))
    except ValueError as error:
        raise PermissionError(str(error)) from None
    return "raised"


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "file size": lambda: raised(resource.RLIMIT_FSIZE),
                "address space": lambda: raised(resource.RLIMIT_AS),
            }
        )


submission = Submission()

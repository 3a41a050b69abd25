"""How much time an evaluation may take off the clock: a share that the hardware class says."""


class FreeShare:
    """How much of an evaluation is off the clock.

    A step count is a claim, so evaluations cannot be free for having come at the right step: who
    claims steps that were never done would get answers about held-out data for nothing.
    """

    def __init__(self, share: float) -> None:
        self._share, self._last = share, 0.0

    def excess(self, cost: float, seconds: float) -> float:
        """What an evaluation at `seconds` of the clock cost beyond its share, in seconds."""
        excess = max(0.0, cost - self._share * (seconds - self._last))
        self._last = seconds + excess
        return excess

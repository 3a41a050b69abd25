"""Works while it is imported, but only when it counts: a look at the submission sees nothing."""

from mlgolf.testing.attacks.honest_torch import Honest

while "mlgolf-play" in open("/proc/self/comm").read():
    pass
submission = Honest()

"""Changes settings of the kernel that hold for the whole machine."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "core dumps": lambda: open("/proc/sys/kernel/core_pattern", "r+"),
                "last process": lambda: open("/proc/sys/kernel/ns_last_pid", "r+"),
                "host name": lambda: open("/proc/sys/kernel/hostname", "r+"),
                "namespaces": lambda: open("/proc/sys/user/max_user_namespaces", "r+"),
                "cache": lambda: open("/proc/sys/vm/drop_caches", "r+"),
                "module": lambda: open("/proc/sys/kernel/modprobe", "r+"),
                "control group": lambda: open("/sys/fs/cgroup/cgroup.procs", "r+"),
                "event": lambda: open("/sys/kernel/uevent_helper", "r+"),
            }
        )


submission = Submission()

"""The queue in the administration: looked at, stopped, and begun again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from mlgolf_site.administration import Shown
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, Worker
from mlgolf_site.jobs.services import cancel


@admin.register(Job)
class Jobs(Shown):
    list_display = ("__str__", "state", "reason", "since", "worker", "attempts", "spoilt")
    list_filter = ("state", "kind", "hardware")
    search_fields = ("run__entry__name", "repeats__entry__name", "worker__name")
    list_select_related = ("run__entry", "repeats__entry", "worker")
    actions = ("stop",)

    @admin.action(description="Cancel what is played or waits")
    def stop(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        for job in jobs.filter(run__isnull=False).select_related("run__entry"):
            self.message_user(request, f"{job.run}: {cancel(job.run)}", messages.INFO)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        large = [f"{which}__{name}" for which in ("run", "repeats") for name in Run.LARGE]
        return super().get_queryset(request).defer(*large)


@admin.register(Worker)
class Workers(Shown):
    """A worker is shut out by deleting its token."""

    list_display = ("name", "hardware", "tier", "last_seen", "sandbox", "version", "problem")
    list_filter = ("hardware", "tier")
    search_fields = ("name", "token__user__username")
    exclude = ("token",)

"""Contests in the administration, changed as their hosts change them; and drafts."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from mlgolf_site.administration import Shown
from mlgolf_site.contests.models import Contest
from mlgolf_site.hosting import editing
from mlgolf_site.hosting.models import Draft


@admin.register(Contest)
class Contests(admin.ModelAdmin):
    """Who hosts and judges it, and when its results are shown."""

    list_display = ("slug", "title", "is_public", "results_hidden_until", "final_after", "created")
    list_filter = ("is_public",)
    search_fields = ("slug", "title")
    filter_horizontal = ("hosts", "jury")
    fields = (
        "slug", "title", "prose", "is_public", "code_shown", "hosts", "jury",
        "results_hidden_until", "final_after", "created",
    )
    readonly_fields = ("slug", "created")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # it takes a folder: the page Host asks for one

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # its ledger lines and bundles would stay

    def save_model(self, request: HttpRequest, obj: Contest, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        names = (*editing.TEXTS, *editing.DATES, *editing.PEOPLE)
        try:
            editing.edit(
                obj, by=request.user, seen=Contest.objects.get(pk=obj.pk).edits,
                to=editing.Settings(**{name: asked[name] for name in names}),
            )
        except (editing.EditRefused, editing.EditedMeanwhile) as error:
            self.message_user(request, f"Nothing was changed: {error}", messages.ERROR)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Hosts and jury were written with the rest."""


@admin.register(Draft)
class Drafts(Shown):
    list_display = ("__str__", "owner", "contest", "kind", "file_name", "created")
    search_fields = ("file_name", "owner__username")

"""Entries and their runs in the administration."""

from django.contrib import admin
from django.http import HttpRequest

from mlgolf_site.administration import Shown
from mlgolf_site.entries.models import Entry, Run


@admin.register(Entry)
class Entries(admin.ModelAdmin):
    """Whose it is, and whether its code is public; nothing of what was submitted."""

    list_display = ("name", "contest", "owner", "team", "created", "is_code_public", "is_baseline")
    list_filter = ("is_code_public", "is_baseline", "framework")
    search_fields = ("name", "contest__slug", "owner__username", "team__name")
    fields = (
        "name", "contest", "board", "owner", "team", "is_code_public", "is_baseline",
        "framework", "based_on", "code_sha256", "disclosure", "created",
    )
    readonly_fields = (
        "name", "contest", "board", "framework", "based_on", "code_sha256", "disclosure", "created",
    )
    autocomplete_fields = ("owner", "team")
    list_select_related = ("contest", "owner", "team")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # the jury disqualifies, and its bundles stay in the ledger


@admin.register(Run)
class Runs(Shown):
    list_display = ("folder_name", "tier", "ended", "counts", "is_verified", "sandbox")
    list_filter = ("tier", "counts", "is_verified")
    search_fields = ("entry__name", "entry__contest__slug", "bundle_sha256")
    fields = (
        "entry", "key", "tier", "created", "ended", "counts", "bundle_sha256", "signed_by",
        "sandbox", "is_verified", "judging_anew",
    )
    list_select_related = ("entry",)

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).defer(*Run.LARGE)

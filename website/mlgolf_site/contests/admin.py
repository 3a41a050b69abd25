"""Contests in the administration. Their rules are folders, which nobody changes here."""

from django.contrib import admin
from django.http import HttpRequest

from mlgolf_site.administration import Shown
from mlgolf_site.contests.models import Announcement, Board, Contest, Edit, Version


@admin.register(Contest)
class Contests(admin.ModelAdmin):
    """Who hosts and judges it, and when its results are shown."""

    list_display = ("slug", "title", "is_public", "results_hidden_until", "final_after", "created")
    list_filter = ("is_public",)
    search_fields = ("slug", "title")
    filter_horizontal = ("hosts", "jury")
    fields = (
        "slug", "title", "prose", "is_public", "hosts", "jury", "results_hidden_until",
        "final_after", "created",
    )
    readonly_fields = ("slug", "created")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # it takes a folder: the page Host asks for one

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # its ledger lines and bundles would stay


@admin.register(Announcement)
class Announcements(admin.ModelAdmin):
    list_display = ("title", "contest", "at", "by")
    search_fields = ("title", "contest__slug")


@admin.register(Version)
class Versions(Shown):
    list_display = ("__str__", "created", "rules_sha256", "note")
    search_fields = ("contest__slug",)


@admin.register(Board)
class Boards(Shown):
    list_display = ("__str__", "hardware", "time_class", "ruleset", "framework", "changes")
    list_filter = ("hardware",)
    search_fields = ("version__contest__slug", "name")
    exclude = ("snapshot",)


@admin.register(Edit)
class Edits(Shown):
    list_display = ("contest", "number", "by", "at")
    search_fields = ("contest__slug", "by__username")

"""What contests have, in the administration. Rules are folders, which nobody changes here."""

from django.contrib import admin

from mlgolf_site.administration import Shown
from mlgolf_site.contests.models import Announcement, Board, Edit, Version


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

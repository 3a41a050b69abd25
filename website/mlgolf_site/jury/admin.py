"""Challenges and decisions in the administration, to be read: rulings are files and lines of the
ledger, and the pages of the jury alone write them."""

from django.contrib import admin

from mlgolf_site.administration import Shown
from mlgolf_site.jury.models import Challenge, Decision, Remark


@admin.register(Challenge)
class Challenges(Shown):
    list_display = ("entry", "by", "state", "created", "deadline")
    list_filter = ("state",)
    list_select_related = ("entry__contest", "by")
    search_fields = ("entry__name", "entry__contest__slug", "by__username")


@admin.register(Remark)
class Remarks(Shown):
    list_display = ("challenge", "by", "speaker", "created")
    list_filter = ("speaker",)
    list_select_related = ("challenge__entry__contest", "challenge__by", "by")
    search_fields = ("challenge__entry__name", "by__username")


@admin.register(Decision)
class Decisions(Shown):
    list_display = ("ruling", "contest", "challenge", "by", "made")
    list_filter = ("contest",)
    list_select_related = ("contest", "challenge__entry__contest", "challenge__by", "by")
    search_fields = ("ruling", "contest__slug", "by__username")

"""What the administration pages of all applications share."""

from django.contrib import admin
from django.http import HttpRequest


class Shown(admin.ModelAdmin):
    """Rows that are looked at. They follow from files, runs and what people did on their pages: a
    change by hand would be lost, or make the site say what its ledger does not.
    """

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

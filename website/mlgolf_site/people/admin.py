"""People, teams and tokens in the administration: never a secret of theirs."""

from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from mlgolf_site.administration import Shown
from mlgolf_site.people.models import Invitation, Team, Token, User

admin.site.unregister(Authenticator)


@admin.register(User)
class People(UserAdmin):
    """Who may host, who is an administrator, who may sign in at all."""

    list_display = ("username", "email", "may_host", "is_superuser", "is_active", "last_login")
    list_filter = ("may_host", "is_superuser", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What it may do", {"fields": ("is_active", "may_host", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")


@admin.register(Team)
class Teams(admin.ModelAdmin):
    list_display = ("name", "founder", "created")
    search_fields = ("name", "members__username")
    filter_horizontal = ("members",)
    readonly_fields = ("name", "founder", "created")  # entries and files know it by its name

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Invitation)
class Invitations(Shown):
    list_display = ("user", "team", "by", "at")
    search_fields = ("team__name", "user__username")


@admin.register(Token)
class Tokens(Shown):
    """To delete one is to revoke it."""

    list_display = ("name", "user", "scope", "start", "created", "expires", "last_used")
    list_filter = ("scope",)
    search_fields = ("name", "user__username")
    fields = list_display

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return True


@admin.register(Authenticator)
class SecondFactor(AuthenticatorAdmin):
    """To be removed where somebody has lost it."""

    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

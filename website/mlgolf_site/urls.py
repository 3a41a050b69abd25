"""Every address of the site. Each name has a row in `rules.py`."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from mlgolf_site.api.routes import api
from mlgolf_site.pages import contest_views, entry_views, people_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("about/", views.about, name="about"),
    path("status/", views.status, name="status"),
    path("style.css", views.style, name="style"),
    path("c/<slug:slug>/", contest_views.contest, name="contest"),
    path("c/<slug:slug>/competition.zip", contest_views.data, name="contest_data"),
    path("c/<slug:slug>/starter.zip", contest_views.starter, name="starter"),
    path("c/<slug:slug>/figures/<slug:figure>.svg", contest_views.figure, name="figure"),
    path("c/<slug:slug>/submit/", entry_views.submit, name="submit"),
    path("c/<slug:slug>/e/<slug:name>/", entry_views.entry, name="entry"),
    path("c/<slug:slug>/e/<slug:name>/code/", entry_views.code, name="entry_code"),
    path("c/<slug:slug>/e/<slug:name>/code.zip", entry_views.archive, name="entry_archive"),
    path("c/<slug:slug>/e/<slug:name>/publish/", entry_views.publish, name="publish_code"),
    path("c/<slug:slug>/e/<slug:name>/run-again/", entry_views.rerun, name="rerun"),
    path("runs/<uuid:key>/cancel/", entry_views.cancel, name="cancel"),
    path("runs/<uuid:key>/bundle/", entry_views.bundle, name="bundle"),
    path("runs/<uuid:key>/live/", entry_views.live, name="run_live"),
    path("runs/<uuid:key>/figures/<slug:figure>.svg", entry_views.figure, name="run_figure"),
    path("runs/<uuid:key>/events/", entry_views.events, name="run_events"),
    path("people/<str:username>/", people_views.person, name="person"),
    path("mine/", people_views.mine, name="mine"),
    path("teams/", people_views.teams, name="teams"),
    path("teams/<slug:name>/", people_views.team, name="team"),
    path("tokens/", people_views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", people_views.revoke_token, name="revoke_token"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    *(path(f"accounts/{at}", include(urls)) for at, urls in settings.OAUTH_URLS),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
]
handler400 = "mlgolf_site.answers.malformed"
handler404 = "mlgolf_site.answers.not_found"
handler403 = "mlgolf_site.answers.refused"
handler500 = "mlgolf_site.answers.broken"

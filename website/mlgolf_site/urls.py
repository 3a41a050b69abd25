"""Every address of the site. Each name has a row in `rules.py`."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from mlgolf_site.api.routes import api
from mlgolf_site.pages import (
    contest_views,
    entry_views,
    host_views,
    jury_views,
    people_views,
    views,
)

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
    path("c/<slug:slug>/challenges/", jury_views.challenges, name="challenges"),
    path("c/<slug:slug>/challenges/<uuid:challenge>/", jury_views.challenge, name="challenge"),
    path("c/<slug:slug>/challenges/<uuid:challenge>/evidence.txt", jury_views.file,
         name="challenge_file"),
    path("c/<slug:slug>/challenges/<uuid:challenge>/say/", jury_views.say, name="say"),
    path("c/<slug:slug>/challenges/<uuid:challenge>/deadline/", jury_views.deadline,
         name="challenge_deadline"),
    path("c/<slug:slug>/challenges/<uuid:challenge>/withdraw/", jury_views.withdraw,
         name="withdraw_challenge"),
    path("c/<slug:slug>/challenges/<uuid:challenge>/decide/", jury_views.decide, name="decide"),
    path("c/<slug:slug>/e/<slug:name>/challenge/", jury_views.challenge_entry,
         name="challenge_entry"),
    path("c/<slug:slug>/e/<slug:name>/rule/", jury_views.rule_on, name="rule_on"),
    path("c/<slug:slug>/rulings/<str:ruling>/", jury_views.ruling, name="ruling"),
    path("runs/<uuid:key>/repeat/", jury_views.repeat, name="repeat"),
    path("people/<str:username>/", people_views.person, name="person"),
    path("mine/", people_views.mine, name="mine"),
    path("teams/", people_views.teams, name="teams"),
    path("teams/<slug:name>/", people_views.team, name="team"),
    path("tokens/", people_views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", people_views.revoke_token, name="revoke_token"),
    path("host/", host_views.hosting, name="hosting"),
    path("host/folder/", host_views.new_from_folder, name="new_from_folder"),
    path("host/table/", host_views.new_from_table, name="new_from_table"),
    path("host/drafts/<uuid:draft>/", host_views.draft, name="draft"),
    path("host/drafts/<uuid:draft>/discard/", host_views.draft_discard, name="draft_discard"),
    path("c/<slug:slug>/host/", host_views.host, name="host"),
    path("c/<slug:slug>/host/version/", host_views.new_version, name="new_version"),
    path("c/<slug:slug>/host/announce/", host_views.announce, name="announce"),
    path("c/<slug:slug>/host/announce/<int:pk>/remove/", host_views.take_back, name="take_back"),
    path("c/<slug:slug>/host/dry-run/", host_views.dry_run, name="dry_run"),
    path("c/<slug:slug>/host/judge/", host_views.judge_anew, name="judge_anew"),
    path("c/<slug:slug>/host/commit/", host_views.commit_draws, name="commit_draws"),
    path("c/<slug:slug>/board.json", host_views.board_json, name="board_json"),
    path("c/<slug:slug>/board.csv", host_views.board_csv, name="board_csv"),
    path("c/<slug:slug>/bundles.zip", host_views.board_bundles, name="board_bundles"),
    path("runs/<uuid:key>/costliest/", host_views.costs, name="costs"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    *(path(f"accounts/{at}", include(urls)) for at, urls in settings.OAUTH_URLS),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
]
handler400 = "mlgolf_site.answers.unreadable"
handler404 = "mlgolf_site.answers.not_found"
handler403 = "mlgolf_site.answers.refused"
handler500 = "mlgolf_site.answers.broken"

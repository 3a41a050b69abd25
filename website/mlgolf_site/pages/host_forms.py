"""Forms of hosts. What was typed stays in them when something is wrong."""

from typing import Any

from django import forms

from mlgolf.golf.new import objectives
from mlgolf_site.contests.models import Announcement, Board, CodeShown, Contest
from mlgolf_site.hosting.draws import MOST
from mlgolf_site.hosting.editing import DATES, PEOPLE, people_of

MOMENT = "%Y-%m-%dT%H:%M"  # as browsers write it
MOMENTS = [MOMENT, "%Y-%m-%d %H:%M"]
MARKDOWN = "In Markdown; without pictures and HTML."


class DraftForm(forms.Form):
    """A file, and what a draft keeps of it."""

    file = forms.FileField()

    def __init__(self, *args: Any, needs_file: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not needs_file:
            self.fields["file"].required = False
            self.fields["file"].label = "Another file"
            self.fields["file"].help_text = "Leave it empty to keep the one that is here."

    def asked(self) -> dict[str, Any]:
        """What was typed; as it was typed, where it is wrong."""
        return {
            name: self.cleaned_data[name] if name in self.cleaned_data else self.data.get(name, "")
            for name in self.fields if name != "file"
        }

    def wrong(self) -> list[str]:
        """A sentence for each field that is."""
        return [
            f"{self.fields[name].label or name}: {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
        ]


class _OfANewOne(forms.Form):
    prose = forms.CharField(
        label="Description (optional)", required=False, help_text=MARKDOWN,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    is_public = forms.BooleanField(
        label="Public at once", required=False,
        help_text="Otherwise hosts, jury and administrators see it, until you publish it: after "
        "its baseline was played, for instance.",
    )


class FolderForm(_OfANewOne, DraftForm):
    name = forms.CharField(
        label="Name in addresses (optional)", required=False, max_length=60,
        help_text="Small letters, digits and dashes. Left empty: as competition.toml says.",
    )
    field_order = ("file", "name", "prose", "is_public")


class TableForm(_OfANewOne, DraftForm):
    name = forms.CharField(
        label="Name in addresses", max_length=60, help_text="Small letters, digits and dashes.",
    )
    title = forms.CharField(label="Title (optional)", max_length=200, required=False)
    target = forms.CharField(
        label="Target column (optional)", max_length=200, required=False,
        help_text="What is to be predicted. Left empty: a column called target, label, class or y, "
        "or the last.",
    )
    objective = forms.ChoiceField(required=False, help_text="What is to be small.")
    budget_seconds = forms.FloatField(
        label="Budget of a run, in seconds (optional)", required=False, min_value=0.1,
        max_value=86_400,
        help_text="Left empty: 30.",
    )
    licence = forms.CharField(
        label="Licence of the data", max_length=200, help_text="Such as CC-BY-4.0.",
    )
    origin = forms.CharField(
        label="Origin of the data (optional)", max_length=500, required=False,
        help_text="Who made them, and where they are published.",
    )
    field_order = ("file", "name", "title", "target", "objective", "budget_seconds", "licence",
                   "origin", "prose", "is_public")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["objective"].choices = [  # type: ignore[attr-defined]
            ("", "the simplest"), *((name, name) for name in objectives()),
        ]


class VersionForm(DraftForm):
    note = forms.CharField(
        label="What was changed, for who reads", max_length=500, required=False,
    )


class HostForm(forms.Form):
    """What a host may change while a contest runs."""

    title = forms.CharField(max_length=200)
    prose = forms.CharField(
        label="Description", required=False, help_text=MARKDOWN,
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    is_public = forms.BooleanField(label="Public", required=False)
    code_shown = forms.ChoiceField(
        label="Everybody sees the code of an entry", choices=CodeShown,
        help_text="Said before anybody submits, so it can be changed until somebody has.",
    )
    hosts = forms.CharField(required=False, help_text="User names, with commas between them.")
    jury = forms.CharField(required=False, help_text="User names, with commas between them.")
    results_hidden_until = forms.DateTimeField(
        label="Results hidden until (UTC)", required=False, input_formats=MOMENTS,
        widget=forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"}),
        help_text="Until then all results are for hosts and jury, and each entry's own for who "
        "submitted it.",
    )
    final_after = forms.DateTimeField(
        label="Boards final after (UTC)", required=False, input_formats=MOMENTS,
        widget=forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"}),
        help_text="Runs that end later change no board.",
    )
    edits = forms.IntegerField(widget=forms.HiddenInput)  # when the form was opened

    @staticmethod
    def initial_of(contest: Contest) -> dict[str, Any]:
        names = {
            role: ", ".join(sorted(getattr(contest, role).values_list("username", flat=True)))
            for role in PEOPLE
        }
        return {
            "title": contest.title, "prose": contest.prose, "is_public": contest.is_public,
            "code_shown": contest.code_shown,
            "edits": contest.edits, **names, **{name: getattr(contest, name) for name in DATES},
        }

    def clean_prose(self) -> str:
        return self.cleaned_data["prose"].replace("\r\n", "\n")

    def clean_hosts(self) -> list[Any]:
        return self._people("hosts")

    def clean_jury(self) -> list[Any]:
        return self._people("jury")

    def _people(self, field: str) -> list[Any]:
        found, missing = people_of(self.cleaned_data[field])
        if missing:
            raise forms.ValidationError(
                f"Nobody here is called {', '.join(missing)}. Who has no account registers first."
            )
        return found


class AnnouncementForm(forms.ModelForm):
    class Meta:
        model = Announcement
        fields = ("title", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 4})}  # noqa: RUF012
        help_texts = {"text": MARKDOWN}  # noqa: RUF012


class JudgingForm(forms.Form):
    board = forms.ChoiceField(label="All of a board", required=False)
    entry = forms.CharField(label="or one entry", required=False, max_length=40)

    def __init__(
        self, *args: Any, boards: list[Board], contest: Contest, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._contest, self._boards = contest, {str(board.pk): board for board in boards}
        self.fields["board"].choices = [("", "–"), *(  # type: ignore[attr-defined]
            (pk, f"version {board.version.number}, {board.name or 'main'}")
            for pk, board in self._boards.items()
        )]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        board, entry = asked.get("board"), (asked.get("entry") or "").strip()
        if bool(board) == bool(entry) and not self.errors:
            self.add_error(None, "Choose a board, or name an entry.")
        asked["board"] = self._boards.get(board or "")
        asked["entry"] = self._contest.entries.filter(name=entry).first() if entry else None
        if entry and asked["entry"] is None:
            self.add_error("entry", f"{self._contest} has no entry {entry!r}.")
        return asked


class CommitForm(forms.Form):
    runs = forms.IntegerField(label="Runs to come", min_value=1, max_value=MOST, initial=10)

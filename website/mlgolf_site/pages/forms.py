"""Forms. What was typed stays in them when something is wrong."""

from typing import Any

from django import forms

from mlgolf.core.errors import SubmissionError
from mlgolf.core.workload import FRAMEWORKS
from mlgolf_site.contests.models import (
    FRAMEWORK_IN_WORDS,
    TUNING_IN_WORDS,
    Board,
    Contest,
)
from mlgolf_site.entries.models import KEY
from mlgolf_site.people.accounts import RESERVED
from mlgolf_site.people.models import Team, Token, User
from mlgolf_site.protocol import LOCAL_WORKER
from mlgolf_site.submitting import check_name


def sentence(error: Exception) -> str:
    """What was wrong, as a page says it."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


class SubmitForm(forms.Form):
    board = forms.ChoiceField(label="Class", required=False)
    name = forms.CharField(
        label="Name on the board", max_length=KEY,
        help_text="Small letters, digits, dash and underscore.",
    )
    file = forms.FileField(
        label="Code", required=False,
        help_text="A module (.py), or a zip of a folder with entry.py or submission.py.",
    )
    text = forms.CharField(
        label="or paste a module", required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )
    framework = forms.ChoiceField(choices=[*FRAMEWORK_IN_WORDS.items()])
    team = forms.ModelChoiceField(Team.objects.none(), required=False, empty_label="just me")
    based_on = forms.CharField(
        label="Based on", required=False, max_length=KEY,
        help_text="An entry of this competition that it improves on, if there is one.",
    )

    def __init__(
        self, *args: Any, boards: list[Board], user: User, contest: Contest, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        # Which of the boards of a class it is follows from the framework.
        boards = [board for board in boards if board.framework in ("", FRAMEWORKS[0])]
        self._boards = {board.name: board for board in boards}
        self._contest = contest
        self.fields["board"].choices = [  # type: ignore[attr-defined]
            (board.name, f"{board.name or 'main'}: {board.hardware}, {board.time_class}, "
             f"{TUNING_IN_WORDS[board.ruleset]}")
            for board in boards
        ]
        self.fields["team"].queryset = user.teams.all()  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        try:
            check_name(self.cleaned_data["name"])
        except SubmissionError as error:
            raise forms.ValidationError(str(error).removeprefix("name: ").capitalize()) from None
        return self.cleaned_data["name"]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        asked["board"] = self._boards.get(asked.get("board") or "")
        if asked["board"] is None:
            self.add_error("board", "Choose a class.")
        if asked.get("file"):
            asked["file_name"], asked["content"] = asked["file"].name, asked["file"].read()
        elif (asked.get("text") or "").strip():
            asked["file_name"] = "entry.py"
            asked["content"] = asked["text"].replace("\r\n", "\n").encode()
        else:
            self.add_error("file", "Choose a file, or paste a module below.")
        if based_on := asked.get("based_on"):
            asked["based_on"] = self._contest.entries.filter(name=based_on).first()
            if asked["based_on"] is None:
                self.add_error("based_on", f"{self._contest} has no entry {based_on!r}.")
        else:
            asked["based_on"] = None
        return asked


class TokenForm(forms.Form):
    name = forms.RegexField(
        r"^[\w .,()-]+$", max_length=60, strip=True,
        help_text="Where it will be used, such as laptop.",
        error_messages={"invalid": "Allowed are letters, digits, spaces and . , ( ) _ -"},
    )
    scope = forms.ChoiceField(choices=Token.Scope)
    days = forms.IntegerField(label="Days that it is good for", min_value=1, max_value=366,
                              initial=90)

    def clean_name(self) -> str:
        """Tokens of the site's own workers outlive a new password, so nobody else names one so."""
        name = self.cleaned_data["name"]
        if name.lower().startswith(LOCAL_WORKER):
            raise forms.ValidationError(
                f"Names of the site's own tokens begin with {LOCAL_WORKER!r}. Choose another."
            )
        return name


class TeamForm(forms.ModelForm):
    class Meta:
        model = Team
        fields = ("name",)

    def clean_name(self) -> str:
        name = self.cleaned_data["name"].lower()
        if name in RESERVED or User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError("Somebody has this name. Choose another.")
        return name


class MemberForm(forms.Form):
    username = forms.CharField(
        max_length=30, label="User name",
        help_text="Who is invited accepts or declines on the page Teams.",
    )

"""Forms of challenges and decisions. What was typed stays in them when something is wrong."""

import json
import uuid
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from mlgolf.core.trial_key import TrialKey
from mlgolf_site.entries.models import Entry
from mlgolf_site.jury.models import LONGEST
from mlgolf_site.jury.rulings import in_force_against

MARKDOWN = "Markdown."
DECISIONS = [
    ("accepted", "Accepted: nothing stands against it"),
    ("warning", "Warning: it stays on the board, with a note"),
    ("disqualified", "Disqualified: it counts nowhere"),
    ("reinstated", "Reinstated: an earlier disqualification is lifted"),
]


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class ChallengeForm(forms.Form):
    doubt = forms.CharField(
        label="What do you doubt?", max_length=LONGEST, widget=_area(5),
        help_text=f"Which rule is broken, by what. {MARKDOWN}",
    )
    evidence = forms.CharField(
        label="Evidence", max_length=LONGEST, required=False, widget=_area(5),
        help_text="What others can look at. A click on the number of a line of public code puts "
        f"its address into the address bar: copy that. {MARKDOWN}",
    )
    file = forms.FileField(
        label="Evidence as a file", required=False,
        help_text="A text, such as a log or a patch. Everybody can download it.",
    )
    wants_repetition = forms.BooleanField(
        label="I ask for trials of its run to be repeated", required=False
    )

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        if not (asked.get("evidence") or asked.get("file") or asked.get("wants_repetition")):
            self.add_error("evidence", "Give evidence, or ask for trials to be repeated.")
        return asked


class RemarkForm(forms.Form):
    text = forms.CharField(
        label="Answer", max_length=LONGEST, widget=_area(4), help_text=MARKDOWN
    )


class DeadlineForm(forms.Form):
    deadline = forms.DateField(
        label="Decide until (end of day, UTC)", widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_deadline(self) -> date:
        found = self.cleaned_data["deadline"]
        if found < timezone.now().date():
            raise forms.ValidationError(f"{found} is past. Give a day from today on.")
        return found


class DecisionForm(forms.Form):
    # The same form sent twice is one decision.
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    information = forms.CharField(
        label="What information did it use?", max_length=400, required=False, widget=_area(2),
        help_text="Such as: the labels of the training split; weights that were brought along.",
    )
    action = forms.CharField(
        label="What action did it take?", max_length=400, required=False, widget=_area(2),
        help_text="Such as: trained a network; copied a table into the model.",
    )
    rule = forms.CharField(
        label="Which rule applies?", max_length=200,
        help_text="Its key, such as pretraining, or words.",
    )
    decision = forms.ChoiceField(label="Decision", choices=DECISIONS)
    subject = forms.ChoiceField(label="On what", required=False)
    reason = forms.CharField(
        label="Reason", max_length=1000, widget=_area(4),
        help_text="Public, for good. It stands on the board if this is a disqualification.",
    )
    evidence = forms.CharField(
        label="Evidence, one line each", max_length=3000, required=False, widget=_area(3),
        help_text="What others can look at, such as entry.py, line 12.",
    )

    def __init__(self, *args: Any, entry: Entry, **options: Any) -> None:
        super().__init__(*args, **options)
        self._entry = entry
        self._subjects = _subjects(entry)
        self.fields["subject"].choices = [  # type: ignore[attr-defined]
            (value, label) for value, (label, _) in self._subjects.items()
        ]

    def clean_key(self) -> uuid.UUID:
        return self.cleaned_data["key"] or uuid.uuid4()

    def clean_evidence(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["evidence"].splitlines()]
        return [line for line in lines if line]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        _, asked["subject"] = self._subjects.get(asked.get("subject") or "", ("", {}))
        if asked.get("decision") == "disqualified" and not asked.get("evidence"):
            self.add_error("evidence", "A disqualification names what others can look at.")
        if asked.get("decision") == "reinstated":
            self._check_there_is_one_to_lift(asked["subject"])
        return asked

    def _check_there_is_one_to_lift(self, subject: dict[str, str]) -> None:
        wanted = {
            "submission": self._entry.name, "sha256": self._entry.code_sha256, **subject
        }
        in_force = in_force_against(self._entry)
        if all(one.subject.model_dump(exclude_defaults=True) != wanted for one in in_force):
            known = "; ".join(f"{one.id} on {one.subject}" for one in in_force)
            self.add_error("subject", (
                f"No disqualification of this is in force. In force: {known or 'none'}."
            ))


def _subjects(entry: Entry) -> dict[str, tuple[str, dict[str, str]]]:
    """What can be ruled on: value in the form -> (label, run and trial)."""
    found: dict[str, tuple[str, dict[str, str]]] = {"": ("all of it, every run", {})}
    for run in entry.runs.exclude(bundle_sha256="").order_by("-pk"):
        run.entry = entry
        name = run.folder_name
        found[name] = (f"run {name}", {"run": name})
        for record in json.loads(run.results or "{}").get("trials", ()):
            key = TrialKey(**record["key"])
            trial = str(key).removeprefix(f"{key.submission}/")
            found[f"{name}/{trial}"] = (
                f"run {name}, {trial}", {"run": name, "trial": trial}
            )
    return found

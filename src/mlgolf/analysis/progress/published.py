"""How progress is read from the tables that ship, so that their names suffice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgolf.analysis.progress.table import Columns


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Columns, some of them others for some targets, and what a source says besides its table."""

    columns: Columns
    of_targets: Mapping[str, Columns] = field(default_factory=dict)
    ended: float | None = None  # where runs ended, in the unit of `reached`
    ended_unknown: frozenset[str] = frozenset()  # entries that were run by others
    called: Mapping[str, str] = field(default_factory=dict)  # column of amounts -> words
    easier: Mapping[str, float] = field(default_factory=dict)  # when an easier target was reached
    easier_target: str = ""
    source: str = ""


_EPOCHS = {"epochs": "epochs_to_target", "cost per epoch": "gmac_per_image_used"}

READINGS: Mapping[str, Reading] = {
    "hernandez_brown": Reading(
        columns=Columns(
            date="date_arxiv", compute="flop_1e15", name="model", target="task",
            other_date="date_repo", other_compute="compute_tfs_days_repo",
            reported="reduction_factor_reported", reached="epochs_to_target", parts=_EPOCHS,
        ),
        of_targets={
            # Its rows state no compute but the repository's.
            "resnet50-top5-92.9": Columns(
                date="date_arxiv", compute="compute_tfs_days_repo", name="model", target="task",
                other_date="date_repo", reported="reduction_factor_reported", parts=_EPOCHS,
            ),
        },
        called={
            "flop_1e15": "compute (1e15 FLOP)",
            "compute_tfs_days_repo": "compute (teraflop/s-days)",
        },
        ended=90.0, ended_unknown=frozenset({"EfficientNet-b0"}), easier={"AlexNet": 62.0},
        easier_target="top-5 accuracy of 78.8%, 99.6% of the target",
        source="https://arxiv.org/abs/2005.04305: 90 epochs for every model but EfficientNet, "
        "whose epochs are its authors'; AlexNet reached 78.8% at epoch 62",
    ),
    "lm_progress": Reading(
        columns=Columns(
            date="publication_year", compute="train_flop", name="system", loss="log_perplexity"
        ),
        called={"train_flop": "compute (FLOP)"},
        source="https://arxiv.org/abs/2403.05812",
    ),
}  # fmt: skip

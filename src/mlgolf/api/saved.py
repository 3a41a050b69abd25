"""Results with a figure, and how they are kept: the figure, the table of it, and a page."""

from abc import abstractmethod
from pathlib import Path

import polars as pl

from mlgolf.api.results import AnyPath
from mlgolf.api.shown import Shown
from mlgolf.core.disk import disk_errors_told, naming
from mlgolf.plots.saved import save_figure


class Saved(Shown):
    """What displays itself, and can be written into a folder."""

    _name: str  # of its files
    _heads_figure = True  # what is said above the page stands above the figure, too

    @abstractmethod
    def _figure_table(self) -> pl.DataFrame:
        """What its figure is drawn from."""

    @disk_errors_told()
    def save(self, folder: AnyPath) -> list[Path]:
        """Write the figure as SVG and PNG, light and dark, its table, and a page of everything."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with naming(place):
            written = save_figure(
                place, self._name, self._panels(), self._figure_table(), self._columns,
                self._heading() if self._heads_figure else None,
            )
            return [*written, self.write_page(place / f"{self._name}.html")]

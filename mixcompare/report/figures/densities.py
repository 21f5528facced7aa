"""Every end as a density over the data, one panel a method."""

from mixcompare.report.figures.density import draw_panels as draw

__all__ = ["draw"]

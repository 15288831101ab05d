"""Margin of a stated book by published methodologies: `novate margin`."""

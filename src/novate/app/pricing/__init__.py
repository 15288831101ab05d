"""Prices and Greeks of a file of instruments, for ``novate price``."""

from __future__ import annotations

from novate.app.pricing.run import price_file

__all__ = ["price_file"]

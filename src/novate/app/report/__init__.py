"""The report of a crash-day replay: one HTML file that opens anywhere, without a network.

`write_report` reads what a replay left in its run directory and writes `report.html` beside it.

========== =====================================================
module     what it holds
========== =====================================================
load       the run directory, checked on arrival
wording    numbers and instants as text
markup     HTML that data cannot break out of
series     arrays made small enough to draw
flow       who lost and who paid
chart      the form of a chart
plot       prices, liquidations, calls, the flow of losses
course     equity, concentration, the clearing house's accounts
opening    the first screen
evidence   story, calibration, inputs, verification
section    every section below the first screen
page       the file and its content-security policy
========== =====================================================
"""

from __future__ import annotations

from novate.app.report.page import write_report

__all__ = ["write_report"]

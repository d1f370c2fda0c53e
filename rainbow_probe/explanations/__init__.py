"""The one source of every explanation: the pages in ``docs``, ``rainbow-probe explain``, and the judge's own words.

To add a cause, add its line to the stage of its phase; to add a finding, its line in ``findings``. Then ``make docs``.
"""

from __future__ import annotations

from rainbow_probe.explanations.findings import FINDINGS, meaning, usual
from rainbow_probe.explanations.own import OWN
from rainbow_probe.explanations.shapes import Stage, Why
from rainbow_probe.explanations.stages import STAGES, explained

__all__ = ["FINDINGS", "OWN", "STAGES", "Stage", "Why", "explained", "meaning", "usual"]

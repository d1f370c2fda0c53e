"""What a border must be told: one model of an opening, the least set of them, and one renderer a product.

A rule wider than needed is a defect: only ports and hosts of flows that failed, only outbound.
"""

from __future__ import annotations

from rainbow_probe.rules.formats import FORMATS, render
from rainbow_probe.rules.least import least
from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.whole import whole

__all__ = ["FORMATS", "Act", "By", "Opening", "RuleSet", "Style", "least", "render", "whole"]

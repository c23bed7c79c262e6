"""Where is it: zones of a mask, patient space, sentences about it, and reading them back."""

from prsmed.position.agreement import Agreement, compare
from prsmed.position.findings import ZONES, Finding, Position, Side, Zone
from prsmed.position.measure import Naming, measure, measure_volume
from prsmed.position.parser import Reading, parse
from prsmed.position.sentences import VARIANTS, write_answer
from prsmed.position.target import target_in
from prsmed.position.zones import locate, locate_all, locate_area, locate_box, regions

__all__ = [
    "VARIANTS",
    "ZONES",
    "Agreement",
    "Finding",
    "Naming",
    "Position",
    "Reading",
    "Side",
    "Zone",
    "compare",
    "locate",
    "locate_all",
    "locate_area",
    "locate_box",
    "measure",
    "measure_volume",
    "parse",
    "regions",
    "target_in",
    "write_answer",
]

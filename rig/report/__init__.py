"""The report: one self-contained page of HTML with the figures of a session.

Values in, text out: documents, a population's numbers and a truth become a string. Nothing here opens a file.
matplotlib is imported by this room only, and it takes half a second: import the room where a report is made.
"""

from rig.report.facts import Epoch, Facts, Paper
from rig.report.gathering import Gathering
from rig.report.page import GENERATOR, page
from rig.report.pooled import Pool, pooled_page

__all__ = ["GENERATOR", "Epoch", "Facts", "Gathering", "Paper", "Pool", "page", "pooled_page"]

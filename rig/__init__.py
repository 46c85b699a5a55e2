"""dopaloop's core: everything that decides, pure and deterministic.

The names below are the public nouns for protocol authors.
"""

from rig.design.draws import Draws
from rig.design.epochs import Epoch, Until
from rig.design.pacing import Pacing
from rig.design.params import Params, param
from rig.design.schedule import Schedule, TrialType
from rig.documents import CueRoles
from rig.machine.build import StateMachine
from rig.machine.conditions import END, counter, falling, rising, soft, timer
from rig.protocol import History, Protocol
from rig.trial.spec import ResponseWindow, TrialRecord, TrialSpec

__all__ = [
    "END",
    "CueRoles",
    "Draws",
    "Epoch",
    "History",
    "Pacing",
    "Params",
    "Protocol",
    "ResponseWindow",
    "Schedule",
    "StateMachine",
    "TrialRecord",
    "TrialSpec",
    "TrialType",
    "Until",
    "counter",
    "falling",
    "param",
    "rising",
    "soft",
    "timer",
]

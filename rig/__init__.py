"""dopaloop's core: everything that decides, pure and deterministic.

The names below are the public nouns for protocol authors.
"""

from rig.documents import CueRoles
from rig.draws import Draws
from rig.epochs import Epoch, Until
from rig.machine.build import StateMachine
from rig.machine.conditions import END, counter, falling, rising, soft, timer
from rig.pacing import Pacing
from rig.params import Params, param
from rig.protocol import History, Protocol
from rig.schedule import Schedule, TrialType
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

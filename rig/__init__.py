"""dopaloop's core: everything that decides, pure and deterministic.

The names below are the public nouns for protocol authors.
"""

from rig.draws import Draws
from rig.machine.build import StateMachine
from rig.machine.conditions import END, counter, falling, rising, soft, timer
from rig.params import Params, param
from rig.protocol import History, Protocol
from rig.schedule import Schedule, TrialType
from rig.trial.spec import ResponseWindow, TrialRecord, TrialSpec

__all__ = [
    "END",
    "Draws",
    "History",
    "Params",
    "Protocol",
    "ResponseWindow",
    "Schedule",
    "StateMachine",
    "TrialRecord",
    "TrialSpec",
    "TrialType",
    "counter",
    "falling",
    "param",
    "rising",
    "soft",
    "timer",
]

"""The session, a state machine without input or output of its own, and the parts that it is made of."""

from rig.session.session import BOARD_PORT, Session

__all__ = ["BOARD_PORT", "Session"]

"""Two may pause a session: people, and the recorder that cannot write. Each lifts its own pause only."""

from __future__ import annotations

import msgspec
import pytest

from rig.documents import Notice, SessionState
from rig.log.entry import Input
from rig.operator import RECORDER, Pause, Resume, Stop

AT = 10**12


@pytest.fixture
def paused(sit):
    """A session that waits at a trial boundary, on behalf of `who`; `ask(who, command)` asks it."""

    class Desk:
        def __init__(self, who):
            self.sitting = sit(trials=None)
            self.seq = 10**6
            done = []

            def interfere(entry):
                if not done and self.sitting.session.history.trials == 2:
                    done.append(True)
                    yield who, "command", msgspec.json.encode(Pause())

            self.sitting.interfere = interfere
            assert self.sitting.run(until_us=200_000_000) is None

        def ask(self, who, command):
            self.seq += 1
            effects = self.sitting.session.step(
                Input(self.seq, AT + self.seq, who, "command", msgspec.json.encode(command))
            )
            documents = [effect.document for effect in effects if hasattr(effect, "document")]
            self.notices = [d.text for d in documents if isinstance(d, Notice)]
            self.accepts = next(d.accepts for d in documents if isinstance(d, SessionState))
            return self.sitting.session._phase

    return Desk


def test_people_cannot_resume_what_cannot_be_recorded(paused):
    desk = paused(RECORDER)
    assert desk.sitting.session._phase == "paused"
    assert desk.ask("window", Resume()) == "paused"
    assert desk.notices == ["refused: the session cannot be recorded; it goes on by itself as soon as it can"]
    assert "pause" in desk.accepts and "resume" not in desk.accepts
    assert desk.ask(RECORDER, Resume()) == "uploading"


def test_the_recorder_does_not_lift_what_people_asked_for(paused):
    desk = paused("window")
    assert desk.ask(RECORDER, Pause()) == "paused"
    assert "resume" in desk.accepts
    assert desk.ask(RECORDER, Resume()) == "paused"
    assert desk.ask("terminal", Resume()) == "uploading"


def test_people_who_pause_meanwhile_are_waited_for(paused):
    desk = paused(RECORDER)
    assert desk.ask("window", Pause()) == "paused"
    assert desk.ask(RECORDER, Resume()) == "paused"
    assert desk.ask("window", Resume()) == "uploading"


def test_a_session_that_cannot_be_recorded_can_be_stopped(paused):
    desk = paused(RECORDER)
    assert desk.ask("window", Stop()) == "ended"

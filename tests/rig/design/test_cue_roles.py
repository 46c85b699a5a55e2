"""What a protocol says of its cues is held to what it declares."""

from __future__ import annotations

import pytest

from protocols.lowet_bernoulli import LowetBernoulli
from protocols.lowet_distributions import LowetDistributions
from protocols.variable_magnitude import VariableMagnitude
from protocols.variable_probability import VariableProbability
from rig import CueRoles, Epoch, Protocol, ResponseWindow, TrialType, Until
from rig.errors import ConfigError


class Odds(Protocol):
    """Three odours, each of which may bring a reward."""

    cue_response = ResponseWindow()
    cue_roles = CueRoles(low="seldom", middle="often", high="always")

    def block(self):
        kinds = [
            (TrialType(condition=name, reward_ul=5.0, cue=cue), 1)
            for name, cue in (("seldom", "odour_a"), ("often", "odour_b"), ("always", "odour_c"))
        ]
        return [*kinds, (TrialType(condition="free", reward_ul=5.0), 1)]


def made(**traits):
    return type("Changed", (Odds,), traits)()


def test_roles_of_declared_conditions_are_taken():
    assert made().cue_roles == CueRoles(low="seldom", middle="often", high="always")
    assert VariableMagnitude().cue_response is None and VariableMagnitude().cue_roles is None


@pytest.mark.parametrize(
    ("traits", "says"),
    [
        ({"cue_roles": CueRoles(low="never", middle="often", high="always")}, "'cue_roles' names 'never'"),
        ({"cue_roles": CueRoles(low="free", middle="often", high="always")}, "no condition with a cue"),
        ({"cue_roles": CueRoles(low="often", middle="often", high="always")}, "names one condition twice"),
        ({"cue_response": None}, "'cue_roles' needs a window"),
    ],
)
def test_roles_that_cannot_be_are_refused(traits, says):
    with pytest.raises(ConfigError, match=says):
        made(**traits)


def test_a_condition_of_a_later_epoch_will_do():
    first = [(TrialType(condition="free", reward_ul=5.0), 1)]
    kind = made(
        epochs=lambda self: [Epoch("first", first, until=Until(trials=5)), Epoch("then", self.block())]
    )
    assert kind.cue_roles is not None


@pytest.mark.parametrize(
    ("percent", "roles"),
    [
        ("10,50,90", ("10 %", "50 %", "90 %")),
        ("20,50,80", ("20 %", "50 %", "80 %")),
        ("10,30,90", None),
        ("90,50,10", ("10 %", "50 %", "90 %")),
    ],
)
def test_the_middle_odds_must_lie_half_way(percent, roles):
    protocol = VariableProbability(VariableProbability.Parameters.read({"percent": percent}), 1)
    assert protocol.cue_roles == (roles and CueRoles(low=roles[0], middle=roles[1], high=roles[2]))


def test_the_bernoulli_task_has_roles_as_long_as_its_odds_have():
    assert LowetBernoulli().cue_roles == CueRoles(low="20 %", middle="50 %", high="80 %")
    changed = LowetBernoulli.Parameters.read({"rewarded": "0,4,14,16,10", "omitted": "10,16,6,4,0"})
    assert LowetBernoulli(changed, 1).cue_roles is None
    assert LowetDistributions().cue_response is not None and LowetDistributions().cue_roles is None

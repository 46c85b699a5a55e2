"""The most that one way through a table can gather."""

from __future__ import annotations

import math

import pytest

from rig.machine.graph import Edge, heaviest
from rig.machine.table import EXIT


def ways(*pairs):
    return [Edge(source, 0, target, 1) for source, target in pairs]


@pytest.mark.parametrize(
    ("graph", "weights", "most"),
    [
        (ways((0, 1), (1, EXIT)), {}, 0.0),
        (ways((0, 1), (1, EXIT)), {0: 2.0, 1: 3.0}, 5.0),
        (ways((0, 1), (0, 2), (1, 3), (2, 3), (3, EXIT)), {1: 2.0, 2: 5.0, 3: 1.0}, 6.0),
        (ways((0, 1), (1, 0), (1, 2), (2, EXIT)), {2: 4.0}, 4.0),
        (ways((0, 1), (1, 0), (1, EXIT)), {1: 4.0}, math.inf),
        (ways((0, 0), (0, EXIT)), {0: 4.0}, math.inf),
        (ways((0, EXIT), (1, 1)), {1: 4.0}, 0.0),
    ],
    ids=[
        "nothing",
        "one after the other",
        "one or the other",
        "a loop before",
        "a loop",
        "itself",
        "never met",
    ],
)
def test_the_most_that_a_way_can_gather(graph, weights, most):
    assert heaviest(graph, 0, weights) == most

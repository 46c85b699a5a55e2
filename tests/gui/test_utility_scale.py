"""Labels keep apart, and none of the sizes is lost."""

import itertools

from gui.utility_scale import UtilityScale
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ

SCALE = UtilityScale(PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ)


def test_ends_are_labelled_first_and_labels_keep_apart():
    for per_hz in (8.0, 27.0, 60.0, 300.0):
        labelled, bare = SCALE.ticks(per_hz)
        places = [hz * per_hz for hz, _ in labelled]
        assert [labelled[0][1], labelled[-1][1]] == ["0.1", "20"]
        assert min(b - a for a, b in itertools.pairwise(places)) >= 24
        assert sorted(hz for hz, _ in labelled + bare) == sorted(PUBLISHED_UTILITY_HZ)
    assert len(SCALE.ticks(300.0)[0]) == 7


def test_hz_ticks_are_whole_and_few():
    (ticks, _) = SCALE.hz_ticks()
    assert [hz for hz, _ in ticks] == [-2, 0, 2, 4, 6, 8]

"""Reversal points and asymmetries of dopamine units, from one response per unit and rewarded trial."""

from rig.estimate.online import ReversalEstimator
from rig.estimate.utility import PUBLISHED_AXIS, UtilityAxis

__all__ = ["PUBLISHED_AXIS", "ReversalEstimator", "UtilityAxis"]

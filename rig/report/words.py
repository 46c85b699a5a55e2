"""Numbers and names as text for people."""

from __future__ import annotations

import unicodedata

LONGEST = 28
"""Letters of a name that a figure has room for."""
KEPT = " \N{NO-BREAK SPACE}"
MINUS = str.maketrans("-", "\N{MINUS SIGN}")


def plain(text: str) -> str:
    """Replace what cannot be printed (control and formatting characters, lone surrogates).

    Examples
    --------
    >>> plain("a" + chr(0) + "b")
    'a\N{REPLACEMENT CHARACTER}b'
    """
    return "".join(
        letter if letter in KEPT or unicodedata.category(letter)[0] not in "CZ" else _instead(letter)
        for letter in text
    )


def _instead(letter: str) -> str:
    return " " if unicodedata.category(letter)[0] == "Z" or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}"


def short(name: str, longest: int = LONGEST) -> str:
    """Return a name that fits into a figure; its middle is left out.

    Examples
    --------
    >>> short("a_very_long_name_of_a_probe/12:3", 20)
    'a_very_lon…robe/12:3'
    """
    name = plain(name)
    return name if len(name) <= longest else f"{name[: longest // 2]}…{name[-(longest // 2 - 1) :]}"


def hz(value: float | None) -> str:
    """A place on the utility axis.

    Examples
    --------
    >>> hz(-0.004), hz(1.5)
    ('0.00 Hz', '+1.50 Hz')
    """
    return "none" if value is None else f"{signed(value, 2)} Hz"


def signed(value: float, digits: int) -> str:
    """A difference, with its sign.

    Examples
    --------
    >>> signed(0.04, 1), signed(0.26, 1)
    ('0.0', '+0.3')
    """
    near = _near(value, digits)
    return f"{near:+.{digits}f}".translate(MINUS) if near else f"{near:.{digits}f}"


def ul(value: float | None) -> str:
    """A volume, as precise as a drop can be metered."""
    if value is None:
        return "none"
    return f"{value:.1f} µL" if abs(value) >= 10 else f"{value:.2f} µL"


def size(value: float) -> str:
    """A reward size."""
    return f"{value:g}"


def ratio(value: float | None) -> str:
    """A correlation or an asymmetry, to two digits."""
    return "none" if value is None else f"{_near(value, 2):.2f}".translate(MINUS)


def percent(value: float) -> str:
    """A share, to a tenth of a percent."""
    return f"{100 * value:.1f} %"


def probability(value: float | None) -> str:
    """A P value.

    Examples
    --------
    >>> probability(0.0321), probability(0.00004), probability(0.0)
    ('0.032', '4.0e-05', 'below 1e-300')
    """
    if value is None:
        return "none"
    if value < 1e-300:
        return "below 1e-300"
    return f"{value:.2g}" if value >= 0.001 else f"{value:.1e}"


def count(number: int, thing: str) -> str:
    """A number of things.

    Examples
    --------
    >>> count(1, "unit"), count(3, "unit")
    ('1 unit', '3 units')
    """
    return f"{number} {thing}{'s' * (number != 1)}"


def _near(value: float, digits: int) -> float:
    """Round, without a minus before a zero."""
    return round(value, digits) + 0.0

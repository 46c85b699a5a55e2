"""Statistics in words, the same in every panel. Knows no Qt."""

from __future__ import annotations

import html
import math


def p_words(p: float) -> str:
    """A P value, as precise as anybody reads it.

    Examples
    --------
    >>> p_words(0.318), p_words(0.0402), p_words(1.83e-5), p_words(0.0)
    ('P 0.32', 'P 0.040', 'P 2e-5', 'P < 1e-16')
    """
    if p < 1e-16:
        return "P < 1e-16"
    if p >= 0.1:
        return f"P {p:.2f}"
    if p >= 0.001:
        return f"P {p:.3f}" if p < 0.1 else f"P {p:.2f}"
    exponent = math.floor(math.log10(p))
    digit = round(p / 10.0**exponent)
    return f"P {digit}e{exponent}" if digit < 10 else f"P 1e{exponent + 1}"


def p_rich(p: float) -> str:
    """A P value for rich text, which must not take its sign for a tag; it is never broken in two.

    Examples
    --------
    >>> p_rich(0.0)
    'P&nbsp;&lt;&nbsp;1e-16'
    """
    return html.escape(p_words(p)).replace(" ", "&nbsp;")


def r_words(r: float) -> str:
    """A correlation.

    Examples
    --------
    >>> r_words(0.7634), r_words(-0.049)
    ('R 0.76', 'R −0.05')
    """
    return f"R {r:.2f}".replace("-", "−")


def percent(share: float, decimals: int = 0) -> str:
    """A share in per cent.

    Examples
    --------
    >>> percent(0.7243, 1), percent(0.004), percent(0.9996)
    ('72.4 %', '< 1 %', '> 99 %')
    """
    if decimals == 0 and 0 < share < 0.01:
        return "< 1 %"
    if decimals == 0 and 0.99 < share < 1:
        return "> 99 %"
    return f"{100 * share:.{decimals}f} %"

"""Is this the animal? Its tag or its weight, held against a file of the lab's, before anything begins.

A name is typed, and can be mistyped; what is read off the animal itself cannot be. Readers of tags and many
scales type what they read, like a keyboard, so a question in the terminal takes both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec

from rig.description import SubjectCheck
from rig.errors import ConfigError


class Animal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one animal; notes are for people."""

    tag: str = ""
    weight_g: float = 0.0
    notes: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was read off the animal, and fitted; kept in the session file."""

    tag: str = ""
    weight_g: float = 0.0


def read_animals(path: Path) -> dict[str, Animal]:
    """Read the file of animals.

    Raises
    ------
    ConfigError
        If it cannot be read, or is none.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, Animal])
    except OSError as error:
        raise ConfigError(f"the file of animals cannot be read ({error.strerror})", str(path)) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(f"this is no file of animals ({error})", str(path)) from None


def check_subject(
    check: SubjectCheck | None,
    subject: str,
    *,
    tag: str | None = None,
    weight_g: float | None = None,
    ask: Callable[[str], str] | None = None,
) -> Checked | None:
    """Return what fitted, or None if the rig asks for nothing.

    Parameters
    ----------
    tag, weight_g
        What was read off the animal, if it was given already.
    ask
        Puts a question to whoever sits there; None: nobody does.

    Raises
    ------
    ConfigError
        If it is another animal, nothing is known of this one, or nothing was given.
    """
    if check is None:
        return None
    where = check.animals
    animals = read_animals(Path(where))
    animal = animals.get(subject)
    if animal is None:
        raise ConfigError(f"nothing is known of '{subject}'; it has {', '.join(animals) or 'nobody'}", where)
    seen = Checked()
    if check.tag:
        read = (tag or _asked(ask, f"tag of {subject}", "--tag")).strip()
        seen = msgspec.structs.replace(seen, tag=_fitting_tag(read, subject, animals, where))
    if check.weight:
        grams = weight_g if weight_g is not None else _grams(_asked(ask, f"{subject}, in g", "--weight-g"))
        _refuse_weight(grams, subject, animal.weight_g, check)
        seen = msgspec.structs.replace(seen, weight_g=grams)
    return seen


def _asked(ask: Callable[[str], str] | None, question: str, option: str) -> str:
    if ask is None:
        raise ConfigError(f"this rig checks the animal before it begins ({question}): give it with {option}")
    return ask(question)


def _fitting_tag(read: str, subject: str, animals: dict[str, Animal], where: str) -> str:
    known = animals[subject].tag
    if not known:
        raise ConfigError(f"no tag of '{subject}' is known", where)
    if read != known:
        other = next((name for name, animal in animals.items() if animal.tag == read), None)
        whose = f"that of '{other}'" if other else "unknown"
        raise ConfigError(f"this is not '{subject}': the tag {read!r} is {whose}; nothing was started")
    return read


def _grams(text: str) -> float:
    try:
        return float(text.strip().removesuffix("g").replace(",", "."))
    except ValueError:
        raise ConfigError(f"{text!r} is no weight; type it in grams") from None


def _refuse_weight(grams: float, subject: str, known: float, check: SubjectCheck) -> None:
    if known <= 0:
        raise ConfigError(f"no weight of '{subject}' is known", check.animals)
    if not abs(grams - known) <= check.weight_within * known:
        raise ConfigError(
            f"is this '{subject}'? It weighs {grams:g} g, and {known:g} g were expected; if it is right, "
            f"change the file of animals ('{check.animals}'); nothing was started"
        )

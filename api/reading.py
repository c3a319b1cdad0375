"""Reading a program's JSON: strictly, so that it means one thing and can be stored.

JSON allows what Python, or PostgreSQL, does not take: a name twice, half of a surrogate pair, a
number of a thousand digits. RFC 8259 §4, §6 and §8.2 leave these to whoever reads.
"""

import json
from typing import Any, NoReturn, cast

from django.http import HttpRequest
from ninja.parser import Parser

DEEPEST = 20  # groups of a segment nest a few times
LARGEST = 2**63  # of whole numbers: what the database holds


class UnreadableBodyError(ValueError):
    """The body can't be read; the message says where and why."""


class StrictParser(Parser):
    """Refuses what could not be stored, or could be read in two ways."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Read the body.

        Raises:
            UnreadableError: it is not what this API takes.
        """
        try:
            found = json.loads(
                request.body, object_pairs_hook=_once, parse_constant=_refuse_constant
            )
        except UnreadableBodyError:
            raise
        except RecursionError as error:
            raise UnreadableBodyError("The body nests too deep.") from error
        except (ValueError, UnicodeError) as error:
            raise UnreadableBodyError(f"The body is not JSON: {error}."[:200]) from error
        _check(found, "body")
        if not isinstance(found, dict):
            raise UnreadableBodyError("The body must be a JSON object, like {}.")
        return cast("dict[str, Any]", found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableBodyError(f"{twice[:50]!r} stands in the body twice.")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise UnreadableBodyError(f"{word} is no number of JSON.")


def _check(value: Any, place: str, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise UnreadableBodyError(f"{place[:200]}: nests too deep.")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise UnreadableBodyError(f"{place[:200]}: holds a character that can't be stored.")
    elif isinstance(value, int | float) and not -LARGEST <= value < LARGEST:
        raise UnreadableBodyError(f"{place[:200]}: is too large a number.")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _check(one, f"{place}[{number}]", depth + 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            _check(name, place, depth + 1)
            _check(one, f"{place}.{name}" if place != "body" else name, depth + 1)

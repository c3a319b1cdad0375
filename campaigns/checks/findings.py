"""What a check of a campaign says: how bad, what, why, and where the way out is."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad a finding is."""

    BLOCKS = "blocks"
    WARNS = "warns"
    FINE = "fine"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was checked.

    ``code`` is stable: programs and commands name it to send all the same ("" when all is fine).
    ``step`` names where it is mended: audience, content, tracking, or workspace and accounts
    (settings); ``field`` is the id of the form field there; ``note`` is the way out.
    """

    level: Level
    code: str
    text: str
    step: str
    note: str = ""
    field: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the campaign can't be sent like this."""
        return self.level is Level.BLOCKS

    @property
    def warns(self) -> bool:
        """Whether somebody should look before sending."""
        return self.level is Level.WARNS


def red(code: str, text: str, step: str, note: str = "", field: str = "") -> Finding:
    """Make a finding that blocks."""
    return Finding(level=Level.BLOCKS, code=code, text=text, step=step, note=note, field=field)


def amber(code: str, text: str, step: str, note: str = "", field: str = "") -> Finding:
    """Make a finding that warns."""
    return Finding(level=Level.WARNS, code=code, text=text, step=step, note=note, field=field)


def green(text: str, step: str, note: str = "") -> Finding:
    """Make a finding that nothing is wrong with."""
    return Finding(level=Level.FINE, code="", text=text, step=step, note=note)

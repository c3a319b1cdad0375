"""What a check says, whatever it looked at: how bad, what, why, and where the way out is.

The checks of a campaign, of its content, of its source and of its settings all speak in these.
"""

from dataclasses import dataclass
from enum import StrEnum

from campaigns.states import Where


class Level(StrEnum):
    """How bad a finding is."""

    BLOCKS = "blocks"
    WARNS = "warns"
    FINE = "fine"


_FIELDS = {
    Where.SUBJECT: "id_subject",
    Where.PREHEADER: "id_preheader",
    Where.CONTENT: "id_source",
    Where.TEXT: "id_text",
    Where.TEMPLATE: "id_template",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was checked.

    ``code`` is stable: programs and commands name it to send all the same ("" when all is fine).
    ``step`` names where it is mended: audience, content, tracking, or workspace and accounts
    (settings); ``field`` is the id of the form field there; ``note`` is the way out.

    Of a content it says ``where``, the ``line`` (0: none can be told) and the ``tag``.
    "may_be_empty" says of a ``tag`` without a fall-back that everybody tried has a value for it:
    whoever knows the whole audience can say whether everybody has.
    """

    level: Level
    code: str
    text: str
    step: str = "content"
    note: str = ""
    field: str = ""
    where: Where | None = None
    line: int = 0
    tag: str = ""

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


def of_content(  # noqa: PLR0913 - one each of what a finding says
    level: Level,
    code: str,
    text: str,
    note: str = "",
    *,
    where: Where = Where.CONTENT,
    line: int = 0,
    tag: str = "",
) -> Finding:
    """Make a finding about a part of a content; its field is the one that holds that part."""
    return Finding(
        level=level,
        code=code,
        text=text,
        note=note,
        field=_FIELDS[where],
        where=where,
        line=line,
        tag=tag,
    )

"""One thing that `doctor` looked at."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One thing that was looked at; ``way_out`` says what to do unless the level is ok."""

    level: Level
    subject: str
    sentence: str
    way_out: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return asdict(self)

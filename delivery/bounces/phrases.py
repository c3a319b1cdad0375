"""The phrases of phrases.toml, to be looked for in a text's words."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from delivery.refusals.words import Phrase, Words, normal, phrase


class Phrases:
    """Phrases of one meaning."""

    def __init__(self, written: Iterable[str]) -> None:
        self._anchored: dict[str, list[Phrase]] = {}
        self._open: list[Phrase] = []
        self._foreign: list[Phrase] = []
        self._wholes: set[str] = set()
        for one in written:
            read = phrase(one)
            self._wholes.add(normal(one))
            if read.anchor:
                self._anchored.setdefault(read.anchor, []).append(read)
            else:
                (self._open if read.first.isascii() else self._foreign).append(read)

    def are_in(self, said: Words) -> bool:
        """Say whether one of them stands in the text."""
        if any(map(said.has, self._open)) or (
            not said.is_ascii and any(map(said.has, self._foreign))
        ):
            return True
        return any(
            said.has(one)
            for word in self._anchored.keys() & said.all
            for one in self._anchored[word]
        )

    def are_all_of(self, text: str) -> bool:
        """Say whether the text is one of them and nothing else."""
        return normal(text) in self._wholes


def _load() -> dict[str, Phrases]:
    with (Path(__file__).parent / "phrases.toml").open("rb") as file:
        return {name: Phrases(written) for name, written in tomllib.load(file).items()}


_LOADED: Final = _load()
BOUNCE_SUBJECT: Final = _LOADED["bounce_subject"]
BOUNCE_BODY: Final = _LOADED["bounce_body"]
DELAY: Final = _LOADED["delay"]
GAVE_UP: Final = _LOADED["gave_up"]
ABSENCE_SUBJECT: Final = _LOADED["absence_subject"]
ABSENCE_BODY: Final = _LOADED["absence_body"]
CHALLENGE: Final = _LOADED["challenge"]
UNSUBSCRIBE: Final = _LOADED["unsubscribe"]
COPY_BEGINS: Final = _LOADED["copy_begins"]

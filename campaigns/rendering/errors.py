"""What is wrong with a content, said so that its author can mend it."""

from django.utils.translation import gettext as _

from campaigns.states import Where


class ContentError(Exception):
    """The content can't be turned into mail.

    ``sentence`` says why and what to do, ``line`` counts from 1 in the part named by ``where``
    (0: unknown), ``tag`` is the merge tag or element it is about ("" if none).
    """

    def __init__(
        self, sentence: str, *, line: int = 0, tag: str = "", where: Where = Where.CONTENT
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line
        self.tag = tag
        self.where = where

    def __str__(self) -> str:
        if not self.line:
            return f"{self.where.label}: {self.sentence}"
        return _("%(part)s, line %(line)d: %(sentence)s") % {
            "part": self.where.label,
            "line": self.line,
            "sentence": self.sentence,
        }

"""Go's templates, as listmonk has them, into merge tags; what has no counterpart is named.

`{{ .Subscriber.Name }}` becomes `{{ name }}`, an attribute the field of its name, `{{ if }}` a
condition. Links and opens are tracked without being marked, so `{{ TrackLink }}`, ``@TrackLink``
and `{{ TrackView }}` only go away.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
TRACKED = re.compile(r"@TrackLink\b")
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|\(|\)|[^\s()"`]+')
NUMBER = re.compile(r"-?\d+(?:\.\d+)?").fullmatch
TAGS = {
    ".Subscriber.Email": "email",
    ".Subscriber.Name": "name",
    ".Subscriber.FirstName": "first_name",
    ".Subscriber.LastName": "last_name",
    "UnsubscribeURL": "unsubscribe_url",
    "ManageURL": "preferences_url",
    "MessageURL": "view_url",
}
ATTRIBUTE = ".Subscriber.Attribs."
# listmonk's own words in its default templates.
WORDS = {
    "email.unsub": "Unsubscribe",
    "email.viewInBrowser": "View in browser",
    "email.unsubHelp": "Don't want to receive these e-mails?",
}
COMPARISONS = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
MOST_NAMED = 50


@dataclass(kw_only=True)
class Translated:
    """The text with merge tags, and the expressions that have none (as they were written)."""

    text: str = ""
    unknown: list[str] = field(default_factory=list)


class _NoCounterpartError(Exception):
    """Nothing here means the same."""


def translate(source: str, *, fields: Mapping[str, str], known: Mapping[str, str]) -> Translated:
    """Translate a text.

    ``fields`` maps an attribute's name in small letters without marks to a merge tag; ``known``
    maps further expressions to their text, such as `.Campaign.Subject` to the subject itself.
    """
    return _Translator(fields, known).translate(source)


class _Translator:
    def __init__(self, fields: Mapping[str, str], known: Mapping[str, str]) -> None:
        self._fields = fields
        self._known = known
        self._found = Translated()
        self._open: list[str] = []  # what each `end` has to close: endif, or nothing

    def translate(self, source: str) -> Translated:
        source = TRACKED.sub("", source)
        pieces: list[str] = []
        at = 0
        for match in ACTION.finditer(source):
            pieces += [_literal(source[at : match.start()]), self._action(match[1])]
            at = match.end()
        pieces.append(_literal(source[at:]))
        pieces += [f"{{% {word} %}}" for word in reversed(self._open) if word]
        self._found.text = "".join(pieces)
        return self._found

    def _action(self, text: str) -> str:
        if text.startswith("/*"):
            return ""
        tokens = TOKENS.findall(text)
        word = tokens[0] if tokens else ""
        try:
            if word in {"if", "else", "end", "range", "with", "define", "block"}:
                return self._control(word, tokens[1:])
            return self._output(tokens)
        except _NoCounterpartError:
            if len(self._found.unknown) < MOST_NAMED:
                self._found.unknown.append(f"{{{{ {text} }}}}")
            return ""

    def _control(self, word: str, rest: list[str]) -> str:
        if word == "if":
            self._open.append("")
            condition = self._condition(rest)
            self._open[-1] = "endif"
            return f"{{% if {condition} %}}"
        if word == "else":
            if not self._open or not self._open[-1]:
                raise _NoCounterpartError
            if rest[:1] == ["if"]:
                return f"{{% elif {self._condition(rest[1:])} %}}"
            return "{% else %}"
        if word == "end":
            closing = self._open.pop() if self._open else ""
            return f"{{% {closing} %}}" if closing else ""
        self._open.append("")
        raise _NoCounterpartError

    def _condition(self, tokens: list[str]) -> str:
        if not tokens:
            raise _NoCounterpartError
        if tokens[0] == "not":
            return f"not {self._condition(tokens[1:])}"
        if tokens[0] in {"and", "or"}:
            return f" {tokens[0]} ".join(self._value(one) for one in tokens[1:])
        if tokens[0] in COMPARISONS and len(tokens) == 3:  # noqa: PLR2004 - and two operands
            return f"{self._value(tokens[1])} {COMPARISONS[tokens[0]]} {self._value(tokens[2])}"
        if len(tokens) == 1:
            return self._value(tokens[0])
        raise _NoCounterpartError

    def _value(self, token: str) -> str:
        if token.startswith(('"', "`")):
            return f"'{_escaped(token[1:-1])}'"
        if NUMBER(token) or token in {"true", "false"}:
            return token
        return self._tag(token)

    def _tag(self, token: str) -> str:
        if token in TAGS:
            return TAGS[token]
        if token.startswith(ATTRIBUTE):
            plain = re.sub(r"[\W_]+", "", token[len(ATTRIBUTE) :].lower())
            if plain in self._fields:
                return self._fields[plain]
        raise _NoCounterpartError

    def _output(self, tokens: list[str]) -> str:
        tokens = [one for one in tokens if one not in {"(", ")", ".", "|", "Safe"}]
        if not tokens:
            raise _NoCounterpartError
        first, rest = tokens[0], tokens[1:]
        if first == "TrackView":
            return ""
        if first == "TrackLink" and rest and rest[0].startswith(('"', "`")):
            return _literal(rest[0][1:-1])
        if first == "template" and rest[:1] == ['"content"']:
            return "{{ content }}"
        if first == "L.T" and rest and rest[0].strip('"') in WORDS:
            return WORDS[rest[0].strip('"')]
        if first in self._known and not rest:
            return _literal(self._known[first])
        if rest:
            raise _NoCounterpartError
        return f"{{{{ {self._tag(first)} }}}}"


def _literal(text: str) -> str:
    """Keep what only looks like Jinja as it is."""
    return re.sub(r"\{[%#]", lambda match: f"{{{{ '{match[0]}' }}}}", text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")

"""Sources that cost a careless reader the square of their length, or more.

Run as a program it takes each of them through one of `ENTRANCES` and prints a line when it is done
with it, so that the clock can stand outside.
"""

import sys
from collections.abc import Callable

SIZE = 50_000  # characters; the square of it is far more than any clock here allows


def _many(piece: str, size: int = SIZE) -> str:
    return piece * (size // len(piece))


def _mjml(inner: str) -> str:
    return (
        "<mjml><mj-body><mj-section><mj-column><mj-text>"
        f"{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )


HOSTILE = {
    "tags in quotes": "<a " + _many('"<a" '),
    "an open quote": "<a x='" + _many('"<a x="'),
    "values without an end": _many('<a b="'),
    "open tags": _many("<a "),
    "brackets": _many("<"),
    "attributes": "<a " + _many("x ") + ">",
    "attributes with tags": "<a " + _many('x="{{ city }}" ', 20_000) + "{{ city }} " * 500 + ">",
    "equals signs": "<a " + _many("= ") + ">",
    "comments": _many("<!--"),
    "conditions": _many("<!--[if mso]>"),
    "half conditions": _many("<!--[if "),
    "conditions that end": _many("<!--[if mso]><p><![endif]-->"),
    "sheets": _many("<style>"),
    "empty sheets": _many("<style></style>"),
    "titles": _many("<title>") + "</titl",
    "scripts": _many("<script>") + "</script",
    "comments of ours": _many("{#"),
    "comments of ours that end late": _many("{#") + "#}",
    "braces": "<style>" + _many("{{") + "</style>",
    "braces that end late": "<style>" + _many("{{") + "}}</style>",
    "statements in a script": "<script>" + _many("{% if ") + "%}</script>",
    "raw": _many("{% raw %}{% endraw %}"),
    "references": _many("&"),
    "numbers": '<a href="' + _many("&#3") + '">x</a>',
    "names": '<a href="' + _many("&notit") + '">x</a>',
    "paragraphs": _many("<p>"),
    "ends": _many("</p>"),
    "bold": _many("<b>"),
    "bold anew": "<p>" + "".join(f"<b a={n}>" for n in range(190)) + _many("</p><p>x"),
    "bold and blocks": _many("<b><div></b>"),
    "links": _many('<a href="https://a.example/">'),
    "tables": _many("<table>"),
    "cells": "<table><tr>" + _many("<td>x"),
    "nested tables": "<table><tr><td>" * 60 + _many("<p>x</p>") + "</td></tr></table>" * 60,
    "lists": _many("<ul><li>", 1_500) + _many("<li>x"),
    "addresses": _many("https://"),
    "brackets in an address": "https://a.example/" + _many("(") + _many(")"),
    "stops in an address": "https://a.example/" + _many("."),
    "addresses in brackets": _many("(https://a.example/x) "),
    "bodies": _many("<body>"),
    "heads": _many("<head>"),
    "line breaks": "x" + _many("\n"),
    "spaces": "x" + _many(" ") + "x",
    "zq": "".join(f"zq{n}n" for n in range(7, 6_000)),
    "selectors": "<style>" + _many("a ") + "{b:c}</style>" + "<a>" * 150,
    "rules": "<style>" + _many(".a p{b:c}") + "</style>" + _many('<p class="a">'),
    "declarations": "<style>p{" + _many("b:c;") + "}</style>" + _many("<p>"),
    "blocks in a sheet": "<style>" + _many("*{") + "</style><p>x",
    "brackets in a sheet": "<style>" + _many("(") + "</style><p>x",
    "media": "<style>" + _many("@media x{") + "</style><p>x",
    "nots": "<style>" + _many(":not(") + "{}</style><p>x",
    "strings in a sheet": "<style>" + _many("'\\") + "</style><p>x",
    "values in a sheet": "<style>" + _many("a:url( {{ city }} ", 20_000) + "</style>",
    "styles": _many('<p style="a:b">'),
    "tags of others": _many("*|") + "|*" + _many("{$") + _many("%A") + _many("[N") + _many("[[a"),
    "mjml sections": "<mjml><mj-body>" + _many("<mj-section>"),
    "mjml empty sections": f"<mjml><mj-body>{_many('<mj-section></mj-section>')}</mj-body></mjml>",
    "mjml attributes": f"<mjml><mj-body><mj-section {_many('href=x ')}/></mj-body></mjml>",
    "mjml texts": _mjml(_many("</mj-tex><p>")),
    "mjml lines": _mjml(_many("</mj-text>\n<mj-text>")),
    "buttons": _many("::button[a](b"),
    "words": _many("a" * 20_000 + " "),
}  # fmt: skip


def _entrances() -> dict[str, Callable[[str], object]]:
    from campaigns.rendering.compile import Writing
    from campaigns.rendering.content_checks import findings
    from campaigns.rendering.errors import ContentError
    from campaigns.rendering.preview import preview
    from campaigns.states import ContentKind
    from config.logs import mask
    from tests.campaigns.rendering.writings import TAGS, Reader, compiled, values

    def sent(kind: ContentKind) -> Callable[[str], object]:
        def send(source: str) -> object:
            try:
                content = compiled(source, kind, subject=source[:5_000], preheader=source[:5_000])
                return content.html and content.html.render(values())
            except ContentError as error:
                return error.sentence

        return send

    def checked(source: str) -> object:
        writing = Writing(kind=ContentKind.HTML, source=source, subject="x", text=source)
        return findings(writing, TAGS, [Reader()])

    def shown(source: str) -> object:
        return preview(Writing(kind=ContentKind.HTML, source=source, template_source=source), TAGS)

    return {
        "html": sent(ContentKind.HTML),
        "mjml": sent(ContentKind.MJML),
        "text": sent(ContentKind.TEXT),
        "checked": checked,
        "shown": shown,
        "log": mask,
    }


ENTRANCES = ("html", "mjml", "text", "checked", "shown", "log")


def main(entrance: str) -> None:
    """Take every hostile source through one entrance."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    run = _entrances()[entrance]
    for name, source in HOSTILE.items():
        run(source)
        print(name, flush=True)  # noqa: T201 - what the parent waits for


if __name__ == "__main__":
    main(sys.argv[1])

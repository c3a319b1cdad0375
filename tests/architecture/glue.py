"""Sentences that are glued from pieces: no translator can turn those into another language.

In a template a piece is a translated text that runs on into a value, or a value that runs on into a
translated text, with nothing between them but spaces and elements of running text (``<strong>``).
In code it is a translated text that is added to, joined with, or filled into another.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, nodes

CALLS = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext", "gettext_lazy"})
RUNNING = re.compile(r"</?(?:a|b|bdi|code|em|i|q|span|strong|time)>|<a [^<>]*>|<span title=[^<>]*>")
RUNS_ON = re.compile(r"[ ,;\u2013-]*")
WHOLE = re.compile(r"[.!?\u2026:;][\u201d\u2019)]?\s*$")


@dataclass(frozen=True)
class Piece:
    """A translated text, or a value (``said`` is ""), and what stands between it and the last."""

    said: str
    is_said: bool
    before: str
    line: int


def in_template(source: str, environment: Environment) -> Iterator[tuple[int, str]]:
    """Yield (line, the text) of each translated text that runs into a value or out of one."""
    pieces: list[list[Piece]] = [[]]
    _walk(environment.parse(source).body, pieces, [""])
    for run in pieces:
        for one, other in pairwise(run):
            if not RUNS_ON.fullmatch(RUNNING.sub("", other.before)):
                continue
            if one.is_said and not other.is_said and not WHOLE.search(one.said):
                yield one.line, one.said
            if other.is_said and other.said[:1].islower() and not WHOLE.search(one.said):
                yield other.line, other.said


def _walk(body: list[nodes.Node], runs: list[list[Piece]], before: list[str]) -> None:
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                _take(part, runs, before)
        elif isinstance(node, nodes.If):
            last, gap = runs[-1][-1:], before[0]
            for branch in (node.body, *(each.body for each in node.elif_), node.else_):
                runs.append(list(last))
                before[0] = gap
                _walk(branch, runs, before)
            runs.append([])
            before[0] = ""
        elif hasattr(node, "body"):
            runs.append([])
            before[0] = ""
            _walk(node.body, runs, before)
            _walk(getattr(node, "else_", []), runs, before)
            runs.append([])
            before[0] = ""


def _take(part: nodes.Expr, runs: list[list[Piece]], before: list[str]) -> None:
    if isinstance(part, nodes.TemplateData | nodes.Const):
        before[0] += str(part.data if isinstance(part, nodes.TemplateData) else part.value)
        return
    if re.search(r"<[^<>]*$", before[0]):  # inside a tag: an attribute's value
        return
    inner: nodes.Node | None = part
    while isinstance(inner, nodes.Filter):
        inner = inner.node
    texts: list[nodes.Expr] = []
    if isinstance(inner, nodes.Call) and isinstance(inner.node, nodes.Name):
        if inner.node.name not in CALLS:
            before[0] += "\N{BULLET}"  # draws a button, an icon, a field
            return
        texts = inner.args
    elif isinstance(inner, nodes.Getattr) and inner.node == nodes.Name("form", "load"):
        before[0] += "\N{BULLET}"
        return
    said = [str(one.value) for one in texts if isinstance(one, nodes.Const)]
    runs[-1].append(Piece(said[-1] if said else "", bool(texts), before[0], part.lineno))
    before[0] = ""


def in_code(tree: ast.AST) -> Iterator[int]:
    """Yield the line of each translated text that is a piece of another."""
    for node in ast.walk(tree):
        found = (
            isinstance(node, ast.FormattedValue)  # nor does the collector look inside f-strings
            and any(_is_text(one) for one in ast.walk(node.value))
        ) or (
            (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _adds(node))
            or (isinstance(node, ast.Call) and _joins(node))
            or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _fills(node))
        )
        if found:
            yield node.lineno  # type: ignore[attr-defined]  # expressions have one


def _is_text(node: ast.AST) -> bool:
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        node = node.left
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS


def _adds(node: ast.BinOp) -> bool:
    return _is_text(node.left) or _is_text(node.right)


def _joins(node: ast.Call) -> bool:
    """Say whether texts are joined by a translated word, as ``_(" or ").join(…)``."""
    func = node.func
    return isinstance(func, ast.Attribute) and func.attr == "join" and _is_text(func.value)


def _fills(node: ast.BinOp) -> bool:
    """Say whether a text that is written here is filled into another."""
    return _is_text(node.left) and any(
        _is_text(one) and isinstance(one, ast.Call) and isinstance(one.args[0], ast.Constant)
        for one in ast.walk(node.right)
    )


def templates(root: Path) -> list[Path]:
    """Return every template."""
    return [path for path in sorted((root / "templates").rglob("*")) if path.is_file()]

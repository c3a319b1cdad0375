"""Reads an author's template and refuses what can't or must not be sent, with the line."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import islice

from django.utils.translation import gettext as _
from jinja2 import TemplateSyntaxError, nodes

from campaigns import lengths
from campaigns.rendering.delimiters import as_template
from campaigns.rendering.errors import ContentError
from campaigns.rendering.filters import FILTERS, INTERNAL_FILTERS, TESTS
from campaigns.rendering.restricted_jinja import environment
from campaigns.states import Where

MAX_PROBLEMS = 20
_REFUSED = (
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Block,
    nodes.EvalContextModifier,
    nodes.Continue,
    nodes.Break,
    nodes.NSRef,
)
_ARGUMENT_NAMES = frozenset({"varargs", "kwargs"})
_WORKSPACE = {
    "name": "workspace_name",
    "postal_address": "postal_address",
    "website": "website",
}


def parse(source: str, *, where: Where = Where.CONTENT) -> nodes.Template:
    """Parse a template; ``workspace.name`` and its like become tags.

    Raises:
        ContentError: with a sentence and the line.
    """
    if len(source) > lengths.SOURCE:
        raise ContentError(
            _("This is longer than %(limit)d characters.") % {"limit": lengths.SOURCE}, where=where
        )
    try:
        tree = environment("html").parse(as_template(source))
    except TemplateSyntaxError as error:
        raise ContentError(syntax_problem(error), line=error.lineno or 0, where=where) from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise ContentError(_("An expression is too deeply nested."), where=where) from error
    try:
        return _dotted(tree)
    except RecursionError as error:
        raise ContentError(_("An expression is too deeply nested."), where=where) from error


def check(source: str, known: Collection[str] | None, *, where: Where) -> None:
    """Raise the first of a template's `problems`."""
    for problem in problems(source, known, where=where):
        raise problem


def problems(source: str, known: Collection[str] | None, *, where: Where) -> list[ContentError]:
    """Return everything that keeps a template from being sent, in order of lines.

    ``known`` None: whatever tags there are, as a preview shows unknown ones.
    """
    try:
        tree = parse(source, where=where)
        found = islice(_problems(tree, known, where), MAX_PROBLEMS)
        return sorted(found, key=lambda problem: problem.line)
    except ContentError as error:
        return [error]
    except RecursionError:
        return [ContentError(_("An expression is too deeply nested."), where=where)]


def refuse(tree: nodes.Template, *, where: Where) -> None:
    """Refuse what may never run, whoever wrote it: every template passes here before it is run.

    Raises:
        ContentError: the first construct that isn't available, with its line.
    """
    assigned = assigned_names(tree)
    for node in tree.find_all(nodes.Node):
        sentence, tag = _refusal(node, assigned, FILTERS | INTERNAL_FILTERS)
        if sentence:
            raise ContentError(sentence, line=node.lineno, tag=tag, where=where)


def _problems(
    tree: nodes.Template, known: Collection[str] | None, where: Where
) -> Iterable[ContentError]:
    assigned = assigned_names(tree)
    for node in tree.find_all(nodes.Node):
        sentence, tag = _refusal(node, assigned, FILTERS)
        if not sentence and isinstance(node, nodes.Name):
            sentence, tag = _wrong_name(node, known, assigned)
        if sentence:
            yield ContentError(sentence, line=node.lineno, tag=tag, where=where)


def _wrong_name(
    node: nodes.Name, known: Collection[str] | None, assigned: Collection[str]
) -> tuple[str, str]:
    if node.ctx != "load":
        if node.name.startswith("_"):
            return _("A name can't begin with an underscore."), node.name
        return "", ""
    if known is None or node.name in known or node.name in assigned:
        return "", ""
    return unknown_tag(node.name, known), node.name


def _refusal(  # noqa: PLR0911 - one answer per kind of node
    node: nodes.Node, assigned: Collection[str], filters: Collection[str]
) -> tuple[str, str]:
    if isinstance(node, _REFUSED) or (isinstance(node, nodes.For) and node.recursive):
        return _("Only if, for, set, with, macro and filter are available in an email."), ""
    if isinstance(node, nodes.Name) and node.name in _ARGUMENT_NAMES:
        # Macros could nest them within each other: small to write, endless to compare.
        return _("“%(name)s” is not available in an email.") % {"name": node.name}, node.name
    if isinstance(node, nodes.Filter) and node.name not in filters:
        return unknown_filter(node.name, FILTERS), node.name
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return unknown_filter(node.name, TESTS), node.name
    if isinstance(node, nodes.Getattr) and not _is_readable(node, assigned):
        sentence = _(
            "“.%(name)s” is not available in an email. Use a filter, for "
            "example {{ first_name|upper }}."
        )
        return sentence % {"name": node.attr}, node.attr
    if isinstance(node, nodes.Call) and not _is_callable(node, assigned):
        return _("Only macros can be called. Write a tag without the parentheses ()."), ""
    if isinstance(node, nodes.Call | nodes.Filter | nodes.Test) and (
        node.dyn_args or node.dyn_kwargs
    ):
        return _("Write each value by itself: “*” is not available in an email."), ""
    if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict) and not _is_fixed(node, assigned):
        return _("A list can hold only fixed values and tags."), ""
    return "", ""


def unknown_tag(name: str, known: Collection[str]) -> str:
    """Say that a tag isn't known, and which one may have been meant."""
    close = get_close_matches(name[:60], [tag for tag in known if not tag.startswith("_")], 1)
    if close:
        return _("There is no tag {{ %(name)s }}. Did you mean {{ %(close)s }}?") % {
            "name": name,
            "close": close[0],
        }
    return _("There is no tag {{ %(name)s }}. Insert one from the list of fields.") % {"name": name}


def unknown_filter(name: str, known: Collection[str]) -> str:
    """Say that a filter or test isn't available, and which are close."""
    close = get_close_matches(name[:60], known, 1)
    if close:
        return _("“%(name)s” is not available in an email. Did you mean “%(close)s”?") % {
            "name": name,
            "close": close[0],
        }
    return _("“%(name)s” is not available in an email.") % {"name": name}


def assigned_names(tree: nodes.Node) -> set[str]:
    """Return the names that a template gives values to itself (loops, set, macros and so on)."""
    names = {
        node.name
        for node in tree.find_all(nodes.Name)
        if node.ctx in {"store", "param"} and not node.name.startswith("_")
    }
    names |= {node.name for node in tree.find_all(nodes.Macro)}
    if tree.find(nodes.For) or isinstance(tree, nodes.For):
        names.add("loop")
    if tree.find(nodes.CallBlock) or tree.find(nodes.Macro) or isinstance(tree, nodes.Macro):
        names.add("caller")
    return names


def _is_fixed(node: nodes.Node, assigned: Collection[str]) -> bool:
    if isinstance(node, nodes.Tuple) and node.ctx != "load":
        return True
    if isinstance(node, nodes.Name):
        return node.name not in assigned
    if isinstance(node, nodes.Pair) and not isinstance(node.key, nodes.Name):
        # Texts only: numbers can be chosen so that a dict of them takes hours to make.
        is_text = isinstance(node.key, nodes.Const) and isinstance(node.key.value, str)
        return is_text and _is_fixed(node.value, assigned)
    if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict | nodes.Pair):
        return all(_is_fixed(child, assigned) for child in node.iter_child_nodes())
    if isinstance(node, nodes.Neg):
        return _is_fixed(node.node, assigned)
    return isinstance(node, nodes.Const)


def _is_readable(node: nodes.Getattr, assigned: Collection[str]) -> bool:
    """Tell whether an attribute may exist: of the loop, or of what a template named itself."""
    base: nodes.Node = node
    while isinstance(base, nodes.Getattr | nodes.Getitem):
        if isinstance(base, nodes.Getattr) and base.attr.startswith("_"):
            return False
        base = base.node
    return isinstance(base, nodes.Name) and base.name in assigned


def _is_callable(node: nodes.Call, assigned: Collection[str]) -> bool:
    target = node.node
    if isinstance(target, nodes.Getattr):
        return isinstance(target.node, nodes.Name) and target.node.name == "loop"
    return isinstance(target, nodes.Name) and target.name in assigned


def _dotted(tree: nodes.Template) -> nodes.Template:
    """Turn ``workspace.name`` into the tag ``workspace_name``."""
    for parent in [tree, *tree.find_all(nodes.Node)]:
        for field in parent.fields:
            value = getattr(parent, field, None)
            if isinstance(value, nodes.Getattr):
                setattr(parent, field, _tag_for(value))
            elif isinstance(value, list):
                value[:] = [
                    _tag_for(item) if isinstance(item, nodes.Getattr) else item for item in value
                ]
    return tree


def _tag_for(node: nodes.Getattr) -> nodes.Expr:
    if isinstance(node.node, nodes.Name) and node.node.name == "workspace":
        tag = _WORKSPACE.get(node.attr)
        if tag:
            return nodes.Name(tag, "load", lineno=node.lineno)
    return node


def syntax_problem(error: TemplateSyntaxError) -> str:
    """Say what Jinja could not read."""
    message = error.message or ""
    if "Unexpected end of template" in message or "end of file" in message:
        return _("A {%% … %%} is opened but never closed, or closed twice (%(detail)s).") % {
            "detail": message.rstrip(".")
        }
    return _("This merge tag can't be read: %(detail)s.") % {"detail": message.rstrip(".")}

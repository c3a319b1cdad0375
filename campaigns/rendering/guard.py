"""Rewrites an author's template so that its loops, macros and text joins charge the budget."""

from typing import Any

from jinja2 import nodes

from campaigns.rendering.sandbox import AuthorEnvironment


def guarded(tree: nodes.Template, env: AuthorEnvironment) -> nodes.Template:
    """Make every loop, macro and text join charge the budget."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _filtered(_expression(loop.iter), "_counted", [nodes.Const(_cost(loop))])
    collecting: list[nodes.Macro | nodes.CallBlock | nodes.AssignBlock | nodes.FilterBlock] = [
        *tree.find_all(nodes.Macro),
        *tree.find_all(nodes.CallBlock),
        *tree.find_all(nodes.AssignBlock),
        *tree.find_all(nodes.FilterBlock),
    ]
    for node in collecting:
        charge = _filtered(nodes.Const(""), "_charged", [nodes.Const(_cost(node))])
        node.body.insert(0, nodes.Output([charge]))
    _replace_concat(tree)
    tree.set_environment(env)
    tree.set_lineno(1, override=False)
    return tree


def _cost(node: nodes.Node) -> int:
    return 1 + sum(len(text.data) for text in node.find_all(nodes.TemplateData))


def _expression(node: nodes.Node) -> nodes.Expr:
    if not isinstance(node, nodes.Expr):
        raise TypeError(type(node))
    return node


def _replace_concat(tree: nodes.Node) -> None:
    for field, value in list(tree.iter_fields()):
        items: list[Any] = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if not isinstance(item, nodes.Node):
                continue
            _replace_concat(item)
            if isinstance(item, nodes.Concat):
                call = _filtered(item.nodes[0], "_concat", item.nodes[1:])
                if isinstance(value, list):
                    value[index] = call
                else:
                    setattr(tree, field, call)


def _filtered(node: nodes.Expr, name: str, args: list[nodes.Expr]) -> nodes.Filter:
    return nodes.Filter(node, name, args, [], None, None, lineno=1)

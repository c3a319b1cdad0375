"""Rewrites an author's template so that all it does charges the budget.

Filters, tests and operators charge for the size of what they are given (`filters`,
`restricted_jinja`). Here loops and macros come to charge for their whole body, comparisons and
joins for their texts.
"""

from typing import Any

from jinja2 import nodes

from campaigns.rendering.restricted_jinja import AuthorEnvironment


def guarded(tree: nodes.Template, env: AuthorEnvironment) -> nodes.Template:
    """Make every loop, macro, comparison and text join charge the budget."""
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
    _replace_operators(tree)
    tree.set_environment(env)
    tree.set_lineno(1, override=False)
    return tree


def _cost(node: nodes.Node) -> int:
    """Return what one round costs before anything in it charges by itself."""
    inside = [*node.find_all(nodes.Node)]
    return 1 + len(inside) + sum(len(n.data) for n in inside if isinstance(n, nodes.TemplateData))


def _expression(node: nodes.Node) -> nodes.Expr:
    if not isinstance(node, nodes.Expr):
        raise TypeError(type(node))
    return node


def _replace_operators(tree: nodes.Node) -> None:
    for field, value in list(tree.iter_fields()):
        items: list[Any] = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if not isinstance(item, nodes.Node):
                continue
            _replace_operators(item)
            call = _as_call(item)
            if call is not None and isinstance(value, list):
                value[index] = call
            elif call is not None:
                setattr(tree, field, call)


def _as_call(item: nodes.Node) -> nodes.Filter | None:
    if isinstance(item, nodes.Concat):
        return _filtered(item.nodes[0], "_concat", item.nodes[1:])
    if isinstance(item, nodes.Compare):
        others: list[nodes.Expr] = []
        for operand in item.ops:
            others += [nodes.Const(operand.op), operand.expr]
        return _filtered(item.expr, "_compare", others)
    return None


def _filtered(node: nodes.Expr, name: str, args: list[nodes.Expr]) -> nodes.Filter:
    return nodes.Filter(node, name, args, [], None, None, lineno=1)

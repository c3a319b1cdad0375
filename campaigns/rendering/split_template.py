"""A template split once into constant text and what differs per person.

Most of a newsletter is the same for everybody. The syntax tree's top level becomes a row of parts:
text, `Slot` (one tag, perhaps with a fall-back: a plain look-up) and `Block` (anything else: a
small template of its own, run in a rendering process). What shares state across parts
({% set %}, macros) stays in one block.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext as _
from jinja2 import Template, TemplateSyntaxError, nodes
from markupsafe import escape

from campaigns.rendering import escapes
from campaigns.rendering.budget import MAX_OUTPUT, spending
from campaigns.rendering.charging import guarded
from campaigns.rendering.checking import assigned_names, parse, refuse, syntax_problem
from campaigns.rendering.errors import ContentError
from campaigns.rendering.filters import text_of
from campaigns.rendering.restricted_jinja import AuthorEnvironment, Mode, environment, run
from campaigns.states import Where

NO_VALUES: Mapping[str, str] = MappingProxyType({})


def _html(value: str) -> str:
    return str(escape(value))


def _html_url(value: str) -> str:
    return str(escape(escapes.url_part(value)))


def _html_whole_url(value: str) -> str:
    return str(escape(escapes.whole_url(value)))


ESCAPES: dict[str, Callable[[str], str]] = {
    "html": _html,
    "text": text_of,
    "_url": escapes.url_part,
    "_whole_url": escapes.whole_url,
    "_word": escapes.word,
    "_css": escapes.css,
    "_json": lambda value: str(escapes.script_string(value)),
}
_HTML_ESCAPES = ESCAPES | {"_url": _html_url, "_whole_url": _html_whole_url}


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One merge tag; ``kind`` names the place it stands in, ``html`` the part."""

    tag: str
    fallback: str
    kind: str
    html: bool

    @property
    def escape(self) -> Callable[[str], str]:
        """Return what makes its value fit for the place."""
        return (_HTML_ESCAPES if self.html else ESCAPES)[self.kind]

    @property
    def tags(self) -> frozenset[str]:
        """The tags it reads."""
        return frozenset({self.tag})

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the value, made harmless; the fall-back when a person has none."""
        value = values.get(self.tag, "")
        # By length, because a "no" and a zero are false but written out all the same.
        return self.escape(value if len(value) else self.fallback)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A part that has to be run: a condition, a loop, an expression. `run_blocks` does it."""

    tags: frozenset[str]


Part = str | Slot | Block


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A template's source and what belongs to it: all that is needed to run its blocks."""

    source: str
    mode: Mode
    constants: tuple[tuple[str, str], ...]
    where: Where


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeTemplate:
    """Constant text, slots and blocks in reading order; no two texts are neighbours.

    ``program`` is None when there are no blocks.
    """

    parts: tuple[Part, ...]
    program: Program | None = None

    @property
    def tags(self) -> frozenset[str]:
        """Every tag that is read for a person."""
        return frozenset().union(*(part.tags for part in self.parts if not isinstance(part, str)))

    @property
    def unconditional_tags(self) -> frozenset[str]:
        """The tags that everybody gets, whatever their values."""
        return frozenset(part.tag for part in self.parts if isinstance(part, Slot))

    @property
    def constant(self) -> str:
        """The text that is the same for everybody."""
        return "".join(part for part in self.parts if isinstance(part, str))

    def render(self, values: Mapping[str, str] = NO_VALUES) -> str:
        """Fill in one person's values.

        Raises:
            ContentError: what went wrong with this person's values.
        """
        if self.program is None:
            return self.assemble(values, ())
        return self.assemble(values, run_blocks(self.program, values))

    def assemble(self, values: Mapping[str, str], blocks: Iterable[str]) -> str:
        """Put a person's values and the results of `run_blocks` into their places."""
        results = iter(blocks)
        return "".join(
            [
                part
                if isinstance(part, str)
                else part.fill(values)
                if isinstance(part, Slot)
                else next(results)
                for part in self.parts
            ]
        )


EMPTY = MergeTemplate(parts=())


Filler = Callable[
    [Sequence[Program], Sequence[Mapping[str, str]]], "list[list[list[str]] | ContentError]"
]


def merge_template(
    source: str,
    mode: Mode,
    *,
    constants: Mapping[str, str] = NO_VALUES,
    where: Where = Where.CONTENT,
) -> MergeTemplate:
    """Compile a template; ``constants`` are filled in now wherever that is possible.

    Raises:
        ContentError: the source is no template.
    """
    program = Program(
        source=source, mode=mode, constants=tuple(sorted(constants.items())), where=where
    )
    compiled = _compiled(program)
    return MergeTemplate(parts=compiled.parts, program=program if compiled.blocks else None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Runnable:
    """A block's code, the tags it reads, and the constants among them."""

    template: Template
    tags: frozenset[str]
    constants: Mapping[str, str]

    def run(self, values: Mapping[str, str]) -> str:
        known = {tag: values[tag] for tag in self.tags if tag in values}
        context = self.template.new_context({**self.constants, **known})
        return run(self.template.root_render_func, context, MAX_OUTPUT)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compiled:
    parts: tuple[Part, ...]
    blocks: tuple[_Runnable, ...]


@lru_cache(maxsize=32)
def _compiled(program: Program) -> _Compiled:
    tree = parse(program.source, where=program.where)
    refuse(tree, where=program.where)
    splitter = _Splitter(environment(program.mode), dict(program.constants), program.mode)
    try:
        for group in _groups(tree.body):
            splitter.add(group)
    except (RecursionError, SyntaxError, ValueError, OverflowError, MemoryError) as error:
        sentence = _("An expression is too deeply nested.")
        raise ContentError(sentence, where=program.where) from error
    except TemplateSyntaxError as error:  # what only Jinja's compiler finds: a block named twice
        raise ContentError(
            syntax_problem(error), line=error.lineno or 0, where=program.where
        ) from error
    return splitter.finish()


def run_blocks_here(program: Program, values: Mapping[str, str]) -> list[str]:
    """Run a template's blocks, in order, with one person's values, within one budget.

    Raises:
        ContentError: what went wrong with this person's values.
    """
    with spending():
        return [block.run(values) for block in _compiled(program).blocks]


def hand_to(filler: Filler) -> None:
    """Say who runs templates for this process: a rendering process itself, or one that is asked."""
    _hands.filler = filler


def run_blocks(program: Program, values: Mapping[str, str]) -> list[str]:
    """Have `run_blocks_here` done by whoever runs templates for this process.

    Raises:
        ContentError: what went wrong with this person's values.
    """
    (found,) = _hands.filler((program,), [values])
    if isinstance(found, ContentError):
        raise found
    return found[0]


def fill_here(
    programs: Sequence[Program], people: Sequence[Mapping[str, str]]
) -> list[list[list[str]] | ContentError]:
    """Return for each person the results of every program's blocks, or what went wrong."""
    filled: list[list[list[str]] | ContentError] = []
    for values in people:
        try:
            with spending():
                filled.append([run_blocks_here(program, values) for program in programs])
        except ContentError as error:
            filled.append(error)
    return filled


class _Splitter:
    """Collects parts."""

    def __init__(self, env: AuthorEnvironment, constants: Mapping[str, str], mode: Mode) -> None:
        self.env = env
        self.constants = constants
        self.html = mode.endswith("html")
        self.preview = mode.startswith("preview")
        self.parts: list[Part] = []
        self.blocks: list[_Runnable] = []
        self.texts: list[str] = []

    def finish(self) -> _Compiled:
        self._flush()
        return _Compiled(parts=tuple(self.parts), blocks=tuple(self.blocks))

    def _flush(self) -> None:
        text = "".join(self.texts)
        self.texts.clear()
        if text:
            self.parts.append(text)

    def add(self, group: Sequence[nodes.Node]) -> None:
        """Add nodes that belong together: one output's children one by one, others as a block."""
        if len(group) == 1 and isinstance(group[0], nodes.Output):
            for child in group[0].nodes:
                self._output(child)
        else:
            self._block(group)

    def _output(self, child: nodes.Expr) -> None:
        if isinstance(child, nodes.TemplateData):
            self.texts.append(child.data)
            return
        slot = self._slot(child)
        if slot is None:
            self._block([nodes.Output([child], lineno=child.lineno)])
        elif slot.tag in self.constants:
            self.texts.append(slot.fill(self.constants))
        else:
            self._flush()
            self.parts.append(slot)

    def _slot(self, node: nodes.Expr) -> Slot | None:
        """Return a slot for ``tag``, ``tag|default("text")`` and our own filters around them."""
        kind = "html" if self.html else "text"
        if (
            isinstance(node, nodes.Filter)
            and node.name in ESCAPES
            and isinstance(node.node, nodes.Expr)
        ):
            kind, node = node.name, node.node
        fallback = ""
        if isinstance(node, nodes.Filter) and node.name in {"default", "d"}:
            constant = _only_constant(node)
            if constant is None or node.node is None:
                return None
            fallback, node = constant, node.node
        if not isinstance(node, nodes.Name) or (self.preview and node.name not in self.constants):
            return None
        return Slot(tag=node.name, fallback=fallback, kind=kind, html=self.html)

    def _block(self, group: Sequence[nodes.Node]) -> None:
        self._flush()
        tree = nodes.Template(list(group), lineno=1)
        tree.set_environment(self.env)
        loads = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
        checked = guarded(tree, self.env)
        template = Template.from_code(self.env, self.env.compile(checked), {})
        used = {tag: self.constants[tag] for tag in loads if tag in self.constants}
        tags = frozenset(loads - used.keys())
        self.parts.append(Block(tags=tags))
        self.blocks.append(_Runnable(template=template, tags=tags, constants=used))


def _only_constant(node: nodes.Filter) -> str | None:
    """Return the one text that a filter is given; "" without any, None if it is anything else."""
    if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > 1:
        return None
    if not node.args:
        return ""
    argument = node.args[0]
    if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
        return argument.value
    return None


def _groups(body: Sequence[nodes.Node]) -> list[list[nodes.Node]]:
    """Split a template's top level where no state crosses."""
    flat: list[nodes.Node] = []
    for node in body:
        if isinstance(node, nodes.Output):
            flat += [nodes.Output([child], lineno=child.lineno) for child in node.nodes]
        else:
            flat.append(node)
    shared: set[str] = set().union(*(_exports(node) for node in flat))
    if not shared:
        return [[node] for node in flat]
    touched = [
        index
        for index, node in enumerate(flat)
        if _exports(node) or any(name.name in shared for name in node.find_all(nodes.Name))
    ]
    start, end = touched[0], touched[-1] + 1
    return [
        *([node] for node in flat[:start]),
        flat[start:end],
        *([node] for node in flat[end:]),
    ]


def _exports(node: nodes.Node) -> set[str]:
    """Return the names that a top-level node leaves behind (an if has no scope of its own)."""
    if isinstance(node, nodes.Assign | nodes.AssignBlock):
        return assigned_names(node.target) | (
            {node.target.name} if isinstance(node.target, nodes.Name) else set()
        )
    if isinstance(node, nodes.Macro):
        return {node.name}
    if isinstance(node, nodes.If):
        children = [*node.body, *node.elif_, *node.else_]
        return set().union(*(_exports(child) for child in children))
    return set()


def _nobody(*_request: object) -> list[list[list[str]] | ContentError]:
    raise RuntimeError(
        "Templates are run by rendering processes: import `isolation`, which asks them."
    )


@dataclass(slots=True)
class _Hands:
    filler: Filler


_hands: Final = _Hands(filler=_nobody)

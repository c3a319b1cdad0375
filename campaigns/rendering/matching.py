"""Finds which rules of style sheets are for which elements, in one walk over the tree.

Each compound of each selector is a bit. An element's bits follow from its own tag, classes and
attributes and from the bits of its parent, ancestors and neighbours, so that the time taken grows
with the number of elements, whatever the selectors look like.
"""

from collections.abc import Iterable, Mapping, Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

from campaigns.rendering.stylesheets import Compound, Rule, UnreadableSheetError

MAX_COMPOUNDS = 20_000
MAX_WORK = 3_000_000  # comparisons of a compound with an element; mails need some ten thousand
_BITS_AT_ONCE = 2_000

Attributes = Mapping[str, str | None]


def match(tree: LexborHTMLParser, rules: Sequence[Rule], marker: str) -> dict[int, Sequence[Rule]]:
    """Return the rules of each element by the number in its attribute ``marker``.

    Raises:
        UnreadableError: it would take too long.
    """
    selectors = _Selectors(rules)
    found: dict[int, Sequence[Rule]] = {}
    root = tree.root
    # Elements whose children are next, with the bits of all ancestors and of the parent.
    waiting: list[tuple[Iterable[LexborNode], int, int]] = [([root] if root else [], 0, 0)]
    while waiting:
        nodes, above, parent = waiting.pop()
        previous = before = 0
        for node in nodes:
            attributes = node.attributes
            candidates = selectors.candidates(node.tag or "", attributes)
            hits = selectors.hits(candidates, above, parent, previous, before)
            number = attributes.get(marker)
            if number:
                matched = selectors.rules(candidates, hits)
                # A parser makes two of an element that is closed in the wrong order.
                is_new = int(number) not in found or found[int(number)] == matched
                found[int(number)] = matched if is_new else []
            previous = hits
            before |= hits
            waiting.append((node.iter(include_text=False), above | hits, hits))
    return found


def names_of(attributes: Attributes) -> set[str]:
    """Return an element's classes and id as selectors write them: ``.x``, ``#x``."""
    names = {f".{name}" for name in (attributes.get("class") or "").split()}
    if attributes.get("id"):
        names.add(f"#{attributes['id']}")
    return names


def holds(given: str | None, sign: str, value: str) -> bool:
    """Tell whether an attribute has what a selector asks for (Selectors 4 §6)."""
    if given is None or not (sign in {"", "=", "|="} or value):
        return False
    if sign == "~=":
        return value in given.split()
    if sign == "|=":
        return given == value or given.startswith(f"{value}-")
    if sign == "^=":
        return given.startswith(value)
    if sign == "$=":
        return given.endswith(value)
    return value in given if sign == "*=" else not sign or given == value


class _Selectors:
    """All compounds of all rules, a bit each."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._compounds: list[Compound] = []
        self._after = dict.fromkeys(("", " ", ">", "+", "~"), 0)
        self._last: dict[int, Rule] = {}
        self._by_key: dict[str, list[int]] = {}
        self._work = 0
        for rule in rules:
            for compound in rule.compounds:
                bit = len(self._compounds)
                self._compounds.append(compound)
                self._after[compound.relation] |= 1 << bit
                key = compound.names[-1].lower() if compound.names else compound.tag
                self._by_key.setdefault(key, []).append(bit)
            self._last[len(self._compounds) - 1] = rule
            if len(self._compounds) > MAX_COMPOUNDS:
                raise UnreadableSheetError

    def candidates(self, tag: str, attributes: Attributes) -> list[int]:
        """Return the compounds that an element is by itself."""
        names = {name.lower() for name in names_of(attributes)}
        wanted = [bit for key in (*names, tag, "") for bit in self._by_key.get(key, ())]
        self._work += 1 + len(wanted) + len(self._compounds) // _BITS_AT_ONCE
        if self._work > MAX_WORK:
            raise UnreadableSheetError
        return [bit for bit in wanted if _is(self._compounds[bit], tag, names, attributes)]

    def hits(
        self, candidates: Iterable[int], above: int, parent: int, previous: int, before: int
    ) -> int:
        """Return the compounds that an element is with all that must stand before them."""
        alone = 0
        for bit in candidates:
            alone |= 1 << bit
        return alone and alone & (
            self._after[""]
            | self._after[" "] & (above << 1)
            | self._after[">"] & (parent << 1)
            | self._after["+"] & (previous << 1)
            | self._after["~"] & (before << 1)
        )

    def rules(self, candidates: Iterable[int], hits: int) -> list[Rule]:
        """Return the rules whose last compounds are among the hits."""
        return [self._last[bit] for bit in candidates if bit in self._last and (hits >> bit) & 1]


def _is(compound: Compound, tag: str, names: set[str], attributes: Attributes) -> bool:
    return (
        (not compound.tag or compound.tag == tag)
        and all(name.lower() in names for name in compound.names)
        and all(
            holds(attributes.get(name), sign, value) for name, sign, value in compound.attributes
        )
    )

"""From a tree to one condition of the database."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext as _

from subscribers.segments.tree import Condition, InvalidRules, RuleFault, RuleGroup

# Of one statement, rules of other segments that are asked about counted each time.
MOST_COMPARISONS: Final = 300


def condition(rule: RuleGroup | Condition) -> Q:
    """Return the condition on `Subscriber` that a tree means; no rules: everybody.

    The same rule twice in a group is asked once.

    Raises:
        InvalidRules: with the rules of the segments asked about, it is too much for one statement.
    """
    if isinstance(rule, Condition):
        return rule.operator.compile(rule.values)
    found, size = Q(), 0
    for inner in _different(rule):
        one = condition(inner)
        size += comparisons(one)
        if size > MOST_COMPARISONS:
            text = _(
                "With the rules of the segments that it asks about, this compares more than "
                "%(most)s times. Ask about fewer segments, or make their rules simpler."
            )
            raise InvalidRules([RuleFault(path=(), message=text % {"most": MOST_COMPARISONS})])
        if rule.match == "any":
            found |= one
        elif rule.match == "none":
            # Not one by one, rather than not any: so the database may join each away.
            found &= ~one
        else:
            found &= one
    return found


def comparisons(part: Q) -> int:
    """Count what a condition compares: the leaves of its tree."""
    return sum(comparisons(each) if isinstance(each, Q) else 1 for each in part.children)


def _different(group: RuleGroup) -> list[RuleGroup | Condition]:
    return list({_spelled(rule): rule for rule in group.rules}.values())


def _spelled(rule: RuleGroup | Condition) -> str:
    if isinstance(rule, RuleGroup):
        return f"{rule.match}({', '.join(map(_spelled, rule.rules))})"
    return f"{rule.subject.key} {rule.operator.key} {sorted(rule.values.items())!r}"

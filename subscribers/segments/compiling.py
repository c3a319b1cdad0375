"""From a tree to one condition of the database."""

from django.db.models import Q

from subscribers.segments.tree import Condition, Group


def condition(rule: Group | Condition) -> Q:
    """Return the condition on `Subscriber` that a tree means; no rules: everybody."""
    if isinstance(rule, Condition):
        return rule.operator.compile(rule.values)
    found = Q()
    for inner in rule.rules:
        if rule.match == "any":
            found |= condition(inner)
        elif rule.match == "none":
            # Not one by one, rather than not any: so the database may join each away.
            found &= ~condition(inner)
        else:
            found &= condition(inner)
    return found

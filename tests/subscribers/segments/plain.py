"""A second opinion on rules: evaluated person by person in plain Python, without the database."""

import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

TODAY = date(2026, 11, 25)


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """What the rules of the tests can ask about."""

    email: str
    first_name: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    lists: dict[str, str] = field(default_factory=dict)
    flags: int = 0


def fits(rule: dict[str, Any], person: Somebody) -> bool:  # noqa: PLR0911 - one a subject
    if "rules" in rule:
        inner = [fits(each, person) for each in rule["rules"]]
        if rule["match"] == "any":
            return any(inner) or not inner
        return all(inner) if rule["match"] == "all" else not any(inner)
    subject = rule["subject"]
    if subject == "tag":
        has = [tag in person.tags for tag in rule["tags"]]
        return {"any": any(has), "all": all(has), "none": not any(has)}[rule["operator"]]
    if subject == "list":
        standing = [person.lists.get(name, "never") for name in rule["lists"]]
        if rule["operator"] == "never":
            return all(each == "never" for each in standing)
        if rule["operator"] == "not_subscribed":
            return "subscribed" not in standing
        return rule["operator"] in standing
    if subject == "first_name":
        return text(rule, person.first_name)
    if subject == "domain":
        return text(rule, person.email.rpartition("@")[2])
    return of_field(rule, person.fields.get(subject.removeprefix("field:")))


def of_field(rule: dict[str, Any], value: Any) -> bool:
    kind = rule["subject"].removeprefix("field:")
    if rule["operator"] in {"empty", "filled"}:
        return bool((value in (None, "", [])) == (rule["operator"] == "empty"))
    if kind == "city":
        return text(rule, value or "")
    if kind == "orders":
        return number(rule, value)
    if kind == "visit":
        return day(rule, value)
    if kind == "likes":
        has = [choice in (value or []) for choice in rule["choices"]]
        return {"any": any(has), "all": all(has), "none": not any(has)}[rule["operator"]]
    return value is (rule["operator"] == "yes")


def fold(written: str) -> str:
    """One i, one sigma, ss for ß, composed and half-width, lower case."""
    lower = unicodedata.normalize("NFKC", written).lower()
    return lower.replace("ı", "i").replace("i\u0307", "i").replace("ς", "σ").replace("ß", "ss")


def text(rule: dict[str, Any], value: str) -> bool:
    value, given = fold(value), fold(str(rule.get("text", "")))
    several = [fold(each) for each in rule.get("texts", [])]
    return {
        "is": value == given,
        "is_not": value != given,
        "one_of": value in several,
        "none_of": value not in several,
        "contains": given in value,
        "contains_not": given not in value,
        "starts": value.startswith(given),
        "ends": value.endswith(given),
        "empty": not value,
        "filled": bool(value),
    }[rule["operator"]]


def number(rule: dict[str, Any], value: Any) -> bool:
    if rule["operator"] == "is_not":
        return bool(value != rule["number"])
    if value is None:
        return False
    given = rule.get("number", 0)
    found: dict[str, bool] = {
        "is": value == given,
        "least": value >= given,
        "most": value <= given,
        "above": value > given,
        "below": value < given,
        "between": rule.get("first", 0) <= value <= rule.get("last", 0),
    }
    return found[rule["operator"]]


def day(rule: dict[str, Any], value: str | None) -> bool:
    if value is None:
        return False
    when, days = date.fromisoformat(value), timedelta(days=rule.get("days", 0))
    given = date.fromisoformat(rule.get("day", "2000-01-01"))
    if rule["operator"] == "anniversary":
        soon = [TODAY + timedelta(days=n) for n in range(days.days + 1)]
        # In a year without 29 February its day is the 28th.
        leap = (
            {(2, 29)}
            if any((d.month, d.day) == (2, 28) and not _leap(d.year) for d in soon)
            else set()
        )
        return (when.month, when.day) in {(d.month, d.day) for d in soon} | leap
    return {
        "on": when == given,
        "before": when < given,
        "after": when > given,
        "between": date.fromisoformat(rule.get("first", "2000-01-01"))
        <= when
        <= date.fromisoformat(rule.get("last", "2000-01-01")),
        "in_last": TODAY - days <= when <= TODAY,
        "over_ago": when < TODAY - days,
        "in_next": TODAY <= when <= TODAY + days,
    }[rule["operator"]]


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)

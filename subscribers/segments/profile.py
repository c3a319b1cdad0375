"""Rules about what a person is: name, address, language, the workspace's own fields."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import F, Func, IntegerField, Q, TextField, Value
from django.db.models.functions import Concat
from django.db.models.lookups import GreaterThan, In
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscribers.fields import definitions
from subscribers.models import CustomField, Subscriber
from subscribers.segments import comparing
from subscribers.segments.kinds import Option, Scope, Subject, Values
from subscribers.states import AddressFlag, DomainGroup, FieldType, Frequency

FIELD = "field:"
PROFILE, FIELDS = gettext_lazy("Profile"), gettext_lazy("Fields")
FLAGS = {
    AddressFlag.ROLE: gettext_lazy("Read by several people (info@, sales@)"),
    AddressFlag.DISPOSABLE: gettext_lazy("Disposable address"),
    AddressFlag.TYPO: gettext_lazy("Probably mistyped"),
    AddressFlag.NO_MAIL_SERVER: gettext_lazy("Its domain takes no email"),
}


def subjects(scope: Scope) -> Iterable[Subject]:
    """Return the subjects of the profile and of the workspace's fields."""
    for field in CustomField.objects.filter(workspace=scope.workspace):
        yield _field(field, scope)
    yield from _columns(scope)


def _field(field: CustomField, scope: Scope) -> Subject:
    shape = definitions.shape(field)

    def facts(_values: Values, people: Sequence[Subscriber]) -> Mapping[int, str]:
        shown = {
            person.pk: definitions.display(shape, person.fields.get(field.key)) for person in people
        }
        if shape.type not in {FieldType.TEXT, FieldType.CHOICE}:
            shown = {pk: f"{field.label}: {text}" for pk, text in shown.items() if text}
        return shown

    choices = [Option(value=choice, label=choice) for choice in shape.choices]
    by_type = {
        FieldType.TEXT: lambda: comparing.text_operators(comparing.stored_text(field.key)),
        FieldType.URL: lambda: comparing.text_operators(comparing.stored_text(field.key)),
        FieldType.NUMBER: lambda: comparing.number_operators(field.key),
        FieldType.DATE: lambda: comparing.day_operators(field.key, scope),
        FieldType.BOOLEAN: lambda: comparing.yes_no_operators(field.key),
        FieldType.CHOICE: lambda: (
            *comparing.choice_operators(
                lambda chosen: Q(In(comparing.stored(field.key), chosen)),
                lambda: choices,
            ),
            *comparing.stored_emptiness(field.key),
        ),
        FieldType.MULTI_CHOICE: lambda: comparing.several_choices_operators(
            field.key, lambda: choices
        ),
    }
    return Subject(
        key=f"{FIELD}{field.key}",
        label=field.label,
        group=FIELDS,
        operators=by_type[shape.type](),
        facts=facts,
    )


def _columns(scope: Scope) -> Iterable[Subject]:
    def subject(key: str, label: Any, operators: Any, facts: Any = None) -> Subject:
        return Subject(key=key, label=label, group=PROFILE, operators=tuple(operators), facts=facts)

    text, column = comparing.text_operators, comparing.column
    yield subject("first_name", gettext_lazy("First name"), text(column("first_name")))
    yield subject("last_name", gettext_lazy("Last name"), text(column("last_name")))
    yield subject("name", gettext_lazy("Whole name"), text(_whole_name))
    yield subject(
        "address", gettext_lazy("Email address"), text(column("email_key"), may_be_empty=False)
    )
    yield subject("domain", gettext_lazy("Domain"), text(_domain, may_be_empty=False), _domains)
    yield subject(
        "provider",
        gettext_lazy("Mailbox provider"),
        comparing.choice_operators(
            lambda chosen: Q(domain_group__in=chosen), lambda: _options(DomainGroup.choices)
        ),
        lambda _values, people: {p.pk: p.get_domain_group_display() for p in people},
    )
    yield subject(
        "language",
        gettext_lazy("Language"),
        comparing.choice_operators(lambda chosen: Q(language__in=chosen), _languages)
        + comparing.text_operators(column("language"))[-2:],
        lambda _values, people: {p.pk: p.get_language_display() for p in people},
    )
    yield subject(
        "time_zone",
        gettext_lazy("Time zone"),
        text(column("time_zone")),
        lambda _values, people: {p.pk: p.time_zone for p in people},
    )
    yield subject(
        "added",
        gettext_lazy("Added"),
        comparing.moment_operators("created_at", scope),
        lambda _values, people: {
            p.pk: _("added %(day)s")
            % {"day": date_format(p.created_at.astimezone(scope.zone), "DATE_FORMAT")}
            for p in people
        },
    )
    yield subject(
        "noticed",
        gettext_lazy("Address notes"),
        comparing.choice_operators(
            _has_flag, lambda: [Option(value=int(flag), label=str(FLAGS[flag])) for flag in FLAGS]
        ),
    )
    yield subject(
        "frequency",
        gettext_lazy("How often they want mail"),
        comparing.choice_operators(
            lambda chosen: Q(frequency__in=chosen), lambda: _options(Frequency.choices)
        ),
    )


def _options(choices: Iterable[tuple[Any, Any]]) -> list[Option]:
    return [Option(value=value, label=str(label)) for value, label in choices]


def _languages() -> list[Option]:
    return _options(settings.LANGUAGES)


def _whole_name() -> Any:
    return Concat(F("first_name"), Value(" "), F("last_name"), output_field=TextField())


def _domain() -> Any:
    return Func(
        F("email_key"), Value("@"), Value(2), function="split_part", output_field=TextField()
    )


def _domains(_values: Values, people: Sequence[Subscriber]) -> Mapping[int, str]:
    return {person.pk: person.email_key.rpartition("@")[2] for person in people}


def _has_flag(chosen: list[int]) -> Q:
    wanted = F("address_flags").bitand(sum(set(chosen)))
    return Q(GreaterThan(wanted, Value(0, output_field=IntegerField())))

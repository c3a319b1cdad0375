"""What rules of segments can ask about how people read our mail: device and country."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from delivery.models import PersonDevice
from delivery.states import Device
from subscribers.segments.kinds import (
    Input,
    InputKind,
    Option,
    Scope,
    Subject,
    Values,
    operator,
)

COUNTRIES = 300


def subjects(scope: Scope) -> Iterable[Subject]:
    """Return the subjects "Device" and "Country"."""
    kind = Input(
        name="device",
        kind=InputKind.CHOICE,
        label=_("Device"),
        options=lambda: [
            Option(value=device.value, label=str(device.label)) for device in Device if device
        ],
    )
    yield Subject(
        key="device",
        label=_("Device"),
        group=_("Activity"),
        operators=(
            operator("uses", _("opens or clicks on: {device}"), _uses, kind),
            operator("uses_not", _("never opened or clicked on: {device}"), _uses_not, kind),
            operator("uses_only", _("opens or clicks only on: {device}"), _uses_only, kind),
        ),
        note=_("by a human; image proxies hide the device"),
    )
    country = Input(
        name="country",
        kind=InputKind.CHOICE,
        label=_("Country"),
        options=lambda: _countries(scope),
    )
    yield Subject(
        key="country_seen",
        label=_("Country seen last"),
        group=_("Activity"),
        operators=(
            operator("is", _("is {country}"), _is_in, country),
            operator("is_not", _("is not {country}"), lambda values: ~_is_in(values), country),
        ),
        note=_("by the network of opens and clicks, where the installation has a file for it"),
    )


def _row(*conditions: Q, **more: Any) -> Q:
    return Q(Exists(PersonDevice.objects.filter(*conditions, subscriber=OuterRef("pk"), **more)))


def _uses(values: Values) -> Q:
    rows = PersonDevice.objects.alias(bit=F("devices").bitand(1 << int(values["device"])))
    return Q(Exists(rows.filter(subscriber=OuterRef("pk"), bit__gt=0)))


def _uses_not(values: Values) -> Q:
    return ~_uses(values)


def _uses_only(values: Values) -> Q:
    return _row(devices=1 << int(values["device"]))


def _is_in(values: Values) -> Q:
    return _row(country=values["country"])


def _countries(scope: Scope) -> list[Option]:
    found = (
        PersonDevice.objects.filter(subscriber__workspace=scope.workspace)
        .exclude(country="")
        .values_list("country", flat=True)
        .distinct()
        .order_by("country")
    )
    return [Option(value=code, label=code) for code in found[:COUNTRIES]]

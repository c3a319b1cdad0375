"""Two tabs never overwrite each other unseen: every saved form has a revision.

A page carries the number of the revision that it shows. Saving moves the number on by one
conditional UPDATE; who comes second is told whose change it was, when, and what differs, and
decides. What they typed stays in the form.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.db.models import F, Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.input.numbers import row_number
from accounts.models import Revision, User

LONGEST = 400  # characters of a value that are shown


class _ConflictError(Exception):
    """Somebody saved since the page was opened."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field with both values, in words."""

    label: str
    stored: str
    typed: str


class Editing:
    """A form of a stored row on its way from the page to the database.

    ``part`` names one of several forms of the same row. A row that is not stored yet has no
    revision: nobody else can have changed it.
    """

    def __init__(self, request: HttpRequest, row: Model, *, part: str = "") -> None:
        self.user = request.user if isinstance(request.user, User) else None
        self.here = request.get_full_path()
        self.kind, self.key = _name(row, part), row.pk
        # "Save mine instead" names the revision that was shown beside it, and no later one.
        given = request.POST.get("overwrite") or request.POST.get("revision")
        self.based_on = row_number(given) if given is not None else None
        self.conflict: Revision | None = None
        self.differences: list[Difference] = []
        shown = row_number(request.POST.get("revision", ""))
        self.number = current(row, part=part) if shown is None else shown

    def save(
        self,
        form: forms.BaseForm,
        write: Callable[[], object],
        stored: Callable[[], Any],
        *,
        more: Callable[[], list[Difference]] = list,
    ) -> bool:
        """Call ``write``, unless somebody else saved since this page was opened.

        ``stored`` makes the form anew from what is in the database. False: the form now shows the
        conflict. Saving once more what is stored already is no conflict. ``more`` compares what
        is no field of the form.
        """
        try:
            with transaction.atomic():
                self._claim()
                write()
        except _ConflictError:
            self.differences = [*differences(form, stored()), *more()]
            if not self.differences:
                return True
            self.conflict = _row(self.kind, self.key)
            return False
        except IntegrityError:
            field = "name" if "name" in form.fields else None
            form.add_error(field, _("There is another one of this name by now. Choose another."))
            return False
        return True

    def attach(self, form: Any) -> Any:
        """Let the form carry the revision (`templates/_forms/summary.html` draws it)."""
        form.editing = self
        return form

    def _claim(self) -> None:
        if self.key is None:
            return
        if not _change(self.kind, self.key, based_on=self.based_on, by=self.user):
            raise _ConflictError
        self.number = _row(self.kind, self.key).number


def current(row: Model, *, part: str = "") -> int:
    """Return the number of a row's revision; 0 as long as nobody saved it by a form."""
    numbers = Revision.objects.filter(kind=_name(row, part), key=row.pk or 0)
    return numbers.values_list("number", flat=True).first() or 0


def change(
    row: Model, *, part: str = "", based_on: int | None = None, by: User | None = None
) -> bool:
    """Move a row's revision on, for what saves without a page; False: it is another one by now.

    To be called in the transaction that changes the row. ``based_on`` None: whatever is stored.
    """
    return _change(_name(row, part), row.pk, based_on=based_on, by=by)


def differences(typed: Any, stored: Any) -> list[Difference]:
    """Compare what was typed into a form with the same form as it is stored."""
    found = []
    for name, field in typed.fields.items():
        theirs, mine = stored[name].value(), typed[name].value()
        if field.disabled or not field.has_changed(theirs, mine):
            continue
        label = str(field.label or typed[name].label)
        found.append(Difference(label=label, stored=_text(field, theirs), typed=_text(field, mine)))
    return found


def _name(row: Model, part: str) -> str:
    return f"{row._meta.label_lower}:{part}" if part else row._meta.label_lower  # noqa: SLF001


def _row(kind: str, key: int) -> Revision:
    return Revision.objects.select_related("by").get_or_create(kind=kind, key=key)[0]


def _change(kind: str, key: int, *, based_on: int | None, by: User | None) -> bool:
    _row(kind, key)
    mine = Revision.objects.filter(kind=kind, key=key)
    if based_on is not None:
        mine = mine.filter(number=based_on)
    return bool(mine.update(number=F("number") + 1, by=by, at=timezone.now()))


def _text(field: forms.Field, value: Any) -> str:
    """Write a field's value for people: the words of choices, never a password."""
    if isinstance(field.widget, forms.PasswordInput):
        return "••••"
    if isinstance(field, forms.BooleanField):
        return _("Yes") if value else _("No")
    choices = getattr(field, "choices", None)
    values: Iterable[Any] = value if isinstance(value, (list, tuple, set)) else [value]
    if choices is not None:
        names = {str(code): str(name) for code, name in choices}
        words = [names.get(str(one), str(one)) for one in values if one not in {None, ""}]
    else:
        words = [str(one) for one in values if one not in {None, ""}]
    return ", ".join(words)[:LONGEST] or "–"

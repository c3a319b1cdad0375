"""What can be wrong with a value: a stable code, a sentence why, and the way out.

Problems are stored as code and parameters (an import keeps them for weeks) and put into words only
when somebody reads them, in the reader's language.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

# code: (why it can't go in, what to do)
SENTENCES: dict[str, tuple[Any, Any]] = {
    "address_missing": (_("No address in this row"), _("Add one, or leave the row out")),
    "address_no_at": (_("No @ in the address"), _("Write it like name@example.com")),
    "address_two_at": (_("More than one @ in the address"), _("Keep one address per row")),
    "address_space": (_("A space inside the address"), _("Remove the space")),
    "address_local": (
        _("The part before the @ is not possible"),
        _("Check dots, quotes and special characters"),
    ),
    "address_domain": (
        _("%(domain)s can't be a domain"),
        _("Check the part after the @"),
    ),
    "address_no_dot": (
        _("The domain %(domain)s has no dot"),
        _("Write it in full, like example.com"),
    ),
    "address_long": (
        _("The address is too long"),
        _("At most 64 characters before the @, and 254 in all"),
    ),
    "address_typo": (_("Looks like a typo of %(domain)s"), _("Use %(domain)s")),
    "duplicate": (_("Already in row %(row)s"), _("The first one is kept")),
    "duplicate_kept": (
        _("Another row with this address has gone in"),
        _("Correct the address, or leave this row out"),
    ),
    "required": (_("This must be filled in"), _("Fill it in, or leave the column out")),
    "taken": (
        _("Somebody else has this value, and it may be there only once"),
        _("Correct it, or the other person's"),
    ),
    "taken_row": (
        _("Row %(row)s has the same value, and it may be there only once"),
        _("Correct one of the two"),
    ),
    "too_long": (
        _("Longer than %(limit)s characters"),
        _("Shorten it"),
    ),
    "line_break": (
        _("A line break inside the name"),
        _("Keep it on one line"),
    ),
    "control_character": (
        _("A control character that can't be stored"),
        _("Remove it"),
    ),
    "number": (_("Not a number"), _("Write it like 1234 or 12.5")),
    "number_ambiguous": (
        _("This could be a thousand or a fraction"),
        _("Write it like 1234 or 1.234"),
    ),
    "date": (_("Not a date"), _("Write it like 2026-03-31")),
    "past": (_("Not a time between 1990 and today"), _("Write it like 2026-03-31 09:00:00")),
    "ip": (_("Not an IP address"), _("Write it like 203.0.113.7")),
    "date_impossible": (
        _("There is no such day"),
        _("Day/month/year is how this column reads"),
    ),
    "date_impossible_month_first": (
        _("There is no such day"),
        _("Month/day/year is how this column reads"),
    ),
    "boolean": (_("Neither yes nor no"), _("Write yes or no")),
    "choice": (_("Not one of the choices"), _("Choose one of: %(choices)s")),
    "url": (_("Not a web address"), _("Write it with http:// or https://")),
    "language": (_("Not a language that Warta speaks"), _("Write one of: %(choices)s")),
    "time_zone": (_("Not a time zone"), _("Write it like Asia/Jakarta")),
    "status": (
        _("Not a status that we know"),
        _("Write subscribed, unconfirmed, unsubscribed, bounced or complained"),
    ),
    "list_missing": (_("No list in this row"), _("Name one, or choose a list for everybody")),
    "too_many_names": (
        _("More than %(limit)s different names in this column"),
        _("Import the column as a text field"),
    ),
    "row_columns": (
        _("%(found)s cells, but the file has %(expected)s columns"),
        _("Look for a missing quote or an extra delimiter"),
    ),
    "row_too_long": (
        _("A row of more than %(limit)s kB"),
        _("Look for a quote that is never closed"),
    ),
    "quote_open": (
        _("A quote that is never closed"),
        _("Remove it, or write it twice"),
    ),
    "row_too_wide": (
        _("More than %(limit)s columns"),
        _("Check the delimiter"),
    ),
    "nul": (_("A NUL character, as in a damaged file"), _("Save the file again as CSV, UTF-8")),
    "not_stored": (
        _("The database does not take this row: %(reason)s"),
        _("Look for an unusual value in it and correct that, or leave the row out"),
    ),
    "undecodable": (
        _("Characters that are not %(encoding)s"),
        _("Save the file again as CSV, UTF-8"),
    ),
}


class Problem(ValueError):  # noqa: N818 - what people read is a problem, not an error
    """A value can't be taken; ``code`` says why, ``message`` says it in words."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    @property
    def message(self) -> str:
        """Say why, in the language in use."""
        return reason(self.code, self.params)

    @property
    def way_out(self) -> str:
        """Say what to do, in the language in use."""
        return way_out(self.code, self.params)


def reason(code: str, params: Mapping[str, str | int]) -> str:
    """Put a problem into words, in the language in use."""
    return str(SENTENCES[code][0]) % params


def way_out(code: str, params: Mapping[str, str | int]) -> str:
    """Say what to do about a problem, in the language in use."""
    return str(SENTENCES[code][1]) % params

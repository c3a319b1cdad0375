"""The column of addresses: read as it stands, or as it was meant where only copying spoiled it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from subscribers.addresses import addresses
from subscribers.fields.problems import Problem
from subscribers.states import AddressFlag

ORDINARY_ADDRESS = re.compile(
    rf"({addresses.ATOM}(?:\.{addresses.ATOM})*)@([A-Za-z0-9.-]{{3,250}})"
).fullmatch
SEVERAL_IN_ONE = ":::"  # how Google Contacts joins addresses
NAMED = re.compile(r"([^<>@]*)<[^<>]+>\s*").fullmatch  # Dewi <dewi@example.com>
REPAIRS_SHOWN = 3
LONGEST_SHOWN = 200
ROLE = int(AddressFlag.ROLE)
# What databases and spreadsheets write where there is nothing.
NOTHING_THERE = frozenset(
    {
        "NULL", "null", "(null)", "\\N", "N/A", "n/a", "#N/A", "-", "–", "—", "nan", "NaN",
        "undefined", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z", "00/00/0000",
        "00.00.0000", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!",
    }
)  # fmt: skip


@dataclass
class Noticed:
    """What is odd but no reason to leave anybody out."""

    typos: dict[str, int] = field(default_factory=dict)  # mistyped domain: rows
    roles: int = 0
    disposable: int = 0
    without: int = 0  # rows that go in without a value that can't be read
    repaired: int = 0  # addresses
    repairs: list[tuple[str, str]] = field(default_factory=list)  # the first ones: from, to


def first_address(text: str) -> str:
    """Return the first of the addresses in a cell."""
    if SEVERAL_IN_ONE not in text:
        return text
    return next((one.strip() for one in text.split(SEVERAL_IN_ONE) if one.strip()), "")


def name_beside(text: str) -> str:
    """Return the name that a mail program or Mailman writes before an address, or ""."""
    found = NAMED(first_address(text))
    return found[1].strip().strip("\"'") if found else ""


class AddressReader:
    """Reads addresses and counts in ``noticed`` what is odd about those that go in."""

    def __init__(self, noticed: Noticed, *, corrections: Mapping[str, str]) -> None:
        """Prepare; ``corrections`` maps mistyped domains to what they mean."""
        self._noticed = noticed
        self._corrections = corrections
        self._repair: tuple[str, str] | None = None  # of the last address

    def read(self, text: str) -> tuple[str, int, int, addresses.Domain]:
        """Return the address, its provider's number, its flags and its domain.

        Raises:
            Problem: it can't be an address.
        """
        self._repair = None
        ordinary = ORDINARY_ADDRESS(text)
        if ordinary and len(text) <= addresses.LONGEST and not text.endswith("."):
            local, domain_text = ordinary.groups()
            domain = addresses.read_domain(domain_text.lower())
            if len(local) > addresses.LONGEST_LOCAL:
                raise Problem("address_long")
        else:
            local, domain = self._unusual(first_address(text).strip(" \t\r\n"))
        if domain.suggestion and (right := self._corrections.get(domain.name)):
            domain = addresses.read_domain(right)
        flags = domain.flags
        if addresses.is_role(local.lower()):
            flags |= ROLE
        return f"{local}@{domain.name}", int(domain.group), flags, domain

    def _unusual(self, given: str) -> tuple[str, addresses.Domain]:
        if given in NOTHING_THERE:
            raise Problem("address_missing")
        repaired = addresses.repair(given)
        try:
            found = addresses.parts(repaired)
        except Problem:
            return addresses.parts(given)  # says what is wrong with what stands there
        if repaired != given:
            self._repair = (given[:LONGEST_SHOWN], f"{found[0]}@{found[1].name}")
        return found

    def note(self, domain: addresses.Domain, flags: int) -> None:
        """Count what is odd about the address read last: it goes in."""
        noticed = self._noticed
        if self._repair:
            noticed.repaired += 1
            if len(noticed.repairs) < REPAIRS_SHOWN:
                noticed.repairs.append(self._repair)
        if flags & ROLE:
            noticed.roles += 1
        if not flags & ~ROLE:
            return
        if domain.suggestion:
            noticed.typos[domain.name] = noticed.typos.get(domain.name, 0) + 1
        else:
            noticed.disposable += 1

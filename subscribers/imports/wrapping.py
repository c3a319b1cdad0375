"""Addresses as mail programs, Mailman and web pages write them, with a name or a scheme around."""

import re

# Dewi <dewi@example.com>, mailto:dewi@example.com.
WRAPPED = re.compile(r"([^<>@]*)<([^<>]+)>\s*|\s*mailto:([^?]+)(?:\?.*)?", re.IGNORECASE).fullmatch
SEVERAL_IN_ONE = ":::"  # how Google Contacts joins addresses


def unwrap(text: str) -> tuple[str, str]:
    """Return the name and the address in a cell, the first of several; the name may be empty."""
    if SEVERAL_IN_ONE in text:
        text = next((one.strip() for one in text.split(SEVERAL_IN_ONE) if one.strip()), "")
    found = WRAPPED(text)
    if not found:
        return "", text
    return (found[1] or "").strip().strip("\"'"), found[2] or found[3]

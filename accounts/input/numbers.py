"""Numbers of rows, as browsers send them."""

LONGEST_NUMBER = 18  # digits: always fits a PostgreSQL bigint


def row_number(text: str) -> int | None:
    """Read a row's number; None for anything else ("²" counts as a digit to Python, not to us)."""
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER:
        return int(text)
    return None


def row_numbers(texts: list[str]) -> list[int]:
    """Read rows' numbers, leaving out what is none."""
    return [number for text in texts if (number := row_number(text)) is not None]

"""Cells that a spreadsheet would run."""

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def neutralise(cell: str) -> str:
    """Put an apostrophe before a cell that would start a formula (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell

"""One folding of letter case, for whatever is compared with what somebody typed.

Python and PostgreSQL disagree on İ, ı and ς, and neither sees that é can be one character or two.
So both sides of a comparison are folded by the database, with this function: NFKC, lower case,
ß as ss, and one i and one sigma.
"""

from django.db.models import Func, TextField, Value


class FoldedCase(Func):
    """Text as it is compared; what is compared with it goes through this, too."""

    function = "subscribers_fold_case"
    output_field = TextField()


def folded(text: str) -> FoldedCase:
    """Return what somebody typed, as the database compares it."""
    return FoldedCase(Value(text, output_field=TextField()))

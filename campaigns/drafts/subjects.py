"""How long a subject is: counted in one way while it is typed, checked and shown."""

import re
from typing import Final

# Nobody reads the braces of a merge tag: it counts as a word of seven letters. The same pattern and
# word stand in `frontend/src/behaviours/preview.js`, which counts while somebody types.
TAG: Final = re.compile(r"\{\{[^}]*\}\}")
WORD: Final = "friends"
LONGEST: Final = 70  # characters; phones show about 40, desktop programs about 70


def length(subject: str) -> int:
    """Count a subject's characters (Unicode code points) as its reader sees them, about."""
    return len(TAG.sub(WORD, subject))

"""How long what people write may be, in characters: in the editor, by the API, in imports alike."""

SOURCE = 1_000_000
TEXT = 500_000  # the plain-text part
TEMPLATE = 500_000

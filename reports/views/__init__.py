"""Pages that show how it went."""

"""Schema history of campaigns."""

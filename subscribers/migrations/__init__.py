"""Schema history of subscribers."""

"""Commands of sending."""

"""Which database this is, whether it went back in time or is a copy, whether sending is held."""

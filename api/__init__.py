"""For programs: the REST API."""

"""One module for each provider: what its words mean (``MEANINGS``), and where they stand.

``details(raw, part)`` reads one event; what django-anymail reads of it stands in `reading`.
"""

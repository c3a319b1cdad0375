"""Segments: saved rules that say who belongs to a group of people now.

A segment's ``rules`` are a tree in JSON: groups whose rules all, any or none must hold, and
conditions. A condition names a subject (what is asked about: a field, a list, activity), an
operator of that subject, and the operator's inputs::

    {"version": 1, "match": "all", "rules": [
        {"subject": "field:city", "operator": "one_of", "texts": ["Bandung", "Bogor"]},
        {"match": "none", "rules": [{"subject": "tag", "operator": "any", "tags": [7]}]}]}

`kinds` says what a subject is and who registers them, `tree` reads and checks the JSON, `compiling`
makes one condition of the database from it, `members` asks it; `editing` is the editor's side.
"""

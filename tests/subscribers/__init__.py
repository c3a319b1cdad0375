"""People, lists, consent, imports: what they promise."""

"""Who we write to: people, lists, consent, fields, import, suppression, public pages."""

"""Forms of this room: sending accounts of each kind, warm-up plans, signing keys."""

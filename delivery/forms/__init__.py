"""Forms of this app: sending accounts of each kind, warm-up plans, signing keys."""

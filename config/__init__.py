"""Wires the house together: the only place that knows every app."""

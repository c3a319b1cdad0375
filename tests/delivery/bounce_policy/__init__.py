"""Tests of `delivery.bounce_policy`."""

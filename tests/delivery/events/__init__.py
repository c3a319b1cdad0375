"""Tests of `delivery.events`."""

"""Tests of the editor's and the templates' pages."""

"""Forms of the campaign editor and of templates."""

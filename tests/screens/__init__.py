"""Pictures of every page, and what every page must not do."""

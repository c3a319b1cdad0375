"""How it went: read-only numbers, rollups, dashboards."""

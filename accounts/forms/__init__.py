"""What is typed on pages about people who work here: settings, team, passwords."""

"""Pages of users, workspaces and teams."""

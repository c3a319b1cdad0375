"""Who works here: users, workspaces, memberships and roles, sign-in, the installation itself."""

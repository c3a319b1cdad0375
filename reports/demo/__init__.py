"""The demo workspace: a coffee roaster with people, lists, campaigns and what came back."""

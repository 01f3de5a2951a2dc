"""What is done with the decisions of `core`: one sync, many syncs, the service. Knows ports only."""

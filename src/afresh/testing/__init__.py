"""What tests of this project, and of others' fetchers and caches, are made with: clock, executor, source, kit."""

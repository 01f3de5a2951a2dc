"""Source systems: one file per kind of database, and what they share to write SQL."""

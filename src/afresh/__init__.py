"""Afresh keeps a local SQL cache fresh from the databases a company runs on."""

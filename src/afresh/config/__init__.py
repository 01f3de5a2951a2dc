"""The configuration: from a file to frozen options, with every mistake named at once."""

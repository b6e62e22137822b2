"""Our clients before a server that nobody here wrote."""

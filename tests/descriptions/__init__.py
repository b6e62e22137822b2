"""What the provider descriptions must hold: the vendors' fields, and our own rules of form."""

"""A job by the provider's own batch API."""

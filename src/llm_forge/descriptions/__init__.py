"""What we know of each provider: OpenAPI 3.2 with x-forge, one file a provider."""

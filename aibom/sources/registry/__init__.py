"""Container registries: the OCI distribution API v1.1, asked only for what the user named."""

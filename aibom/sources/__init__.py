"""Where declared things are kept: files, archives, registries, hubs. Yields bytes, no meaning."""

"""A file's content, digest and origin; each read once."""

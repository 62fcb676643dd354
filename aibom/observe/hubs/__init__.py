"""Where the caches of model hubs in a container say that a file came from."""

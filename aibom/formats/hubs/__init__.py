"""Where a path stands in the caches of model hubs: one module per hub, by names alone."""

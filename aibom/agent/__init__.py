"""The node agent: watches, names, compares and publishes for as long as the node lives."""

"""What runs as models: files joined, named, described, and checked against each other."""

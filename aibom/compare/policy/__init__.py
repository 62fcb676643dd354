"""What a policy says of an inventory: what it allows, forbids and accepts."""

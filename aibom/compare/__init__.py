"""Claims and inventory to findings. Pure."""

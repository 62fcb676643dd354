"""What the network's own formats say: socket tables of the kernel, packets, names in them."""

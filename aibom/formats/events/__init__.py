"""What the kernel tells of processes and files as it happens: its messages, read."""

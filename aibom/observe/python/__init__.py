"""What Python processes import, and which distributions that is of."""

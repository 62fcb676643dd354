"""Files of vector stores, told by their content."""

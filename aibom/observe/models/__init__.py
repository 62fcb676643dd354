"""Model files with what lies beside them."""

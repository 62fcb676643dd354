"""Inventories and findings to documents and text. Pure: nothing here writes anywhere."""

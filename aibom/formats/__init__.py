"""Bytes to values, one module per format. Nothing here opens, reads or runs anything by itself."""

"""Model files and what lies beside them, one module per format; detect asks them in order."""

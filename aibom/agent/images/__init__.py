"""The images that containers run, as what was promised: read beside the loop, and kept."""

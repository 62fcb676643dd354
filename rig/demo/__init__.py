"""The demonstration: an agent in a pod that loads more than its image and its SBOM declare."""

"""What aibom itself is made of: known vulnerabilities in it, and its own SBOM."""

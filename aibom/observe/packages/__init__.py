"""What programs run, and the packages of it; npm's projects and lock files."""

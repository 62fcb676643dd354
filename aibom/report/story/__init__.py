"""What a BOM knows of one thing, told in plain words."""

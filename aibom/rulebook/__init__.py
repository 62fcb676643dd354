"""Detection knowledge: rules/*.yaml read, checked and compiled."""

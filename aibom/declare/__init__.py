"""What was promised: documents to claims, and earlier BOMs back to inventories."""

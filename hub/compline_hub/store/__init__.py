"""Everything the hub keeps, in SQL."""

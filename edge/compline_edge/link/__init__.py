"""Finds the hub and carries sealed batches to it."""

"""Keeps what is owed and what is known, encrypted."""

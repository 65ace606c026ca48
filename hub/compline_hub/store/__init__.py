"""The hub's tables and every question asked of them."""

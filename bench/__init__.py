"""Measurements of speed and size, each beside a reference in the same run."""

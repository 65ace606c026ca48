"""Decides; touches no file, clock, network or random source."""

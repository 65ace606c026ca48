"""The agent on the handset: hears, reads, judges, keeps and owes."""

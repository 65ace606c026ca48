"""The hub's use cases: enrol a handset, take frames in, give pages what they ask."""

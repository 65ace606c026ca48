"""Reads the world: recordings, chats, speech."""

"""Delivery under virtual time: the real cores of handset and hub, a network and a fate made of one seed."""

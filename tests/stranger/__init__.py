"""A stranger's handset: written from docs/protocol.md alone and public libraries, without a look at our code.

It shows that the page is enough. Nothing here imports `compline_*`; what the page lacked stands in it since.
Left out: recordings, evidence, zeroconf, metered networks and low batteries, more than one binding.
"""

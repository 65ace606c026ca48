"""A stranger's handset: written from docs/protocol.md alone, out of public libraries, without a look at the product's code.

It shows that the page is enough. Nothing here imports `compline_*`; what the page did not say has since been added to it.
Left out: recordings, evidence, zeroconf, the weather of networks and batteries, more than one binding.
"""

"""The branch hub: takes verdicts in, keeps them, shows them."""

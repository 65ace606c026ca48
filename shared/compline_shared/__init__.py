"""What handset and hub must agree on: words, messages, encodings, sealing, delivery."""

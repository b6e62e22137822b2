"""Our generator beside others, on a vendor's whole document."""

"""Files that every stand-alone SDK carries as they are here."""

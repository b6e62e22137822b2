"""The clients we ship: generated from descriptions/, never edited by hand (`make gen`)."""

"""Questions and answers over what is stored: search, decision chain, population."""

"""The gate in front of readers' SQL: a statement is parsed, held against allow-lists, made anew."""

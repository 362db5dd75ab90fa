"""The cases, one file a family: a function is a case."""

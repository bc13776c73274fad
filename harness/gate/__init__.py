"""The gate: whether files may be released, judged from signed statements on what their smokes found."""

"""The contract as cases: one promise each, checked on the installed artifact."""

"""How a call is admitted, checked and refused; pages, files, limits."""

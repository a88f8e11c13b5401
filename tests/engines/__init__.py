"""Session engines that do more in `load` than to load."""

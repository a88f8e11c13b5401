"""django CMS."""

"""django-tenants: a schema for each tenant, with users of its own. Needs PostgreSQL and Redis."""

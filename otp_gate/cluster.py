"""Redis Cluster through django-redis, whose own connection factories know single servers.

    CACHES = {"default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": ["redis://node-1:6379", "redis://node-2:6379", "redis://node-3:6379"],
        "OPTIONS": {"CONNECTION_FACTORY": "otp_gate.cluster.ClusterConnectionFactory"},
    }}

Any node tells where the others are; more than one is named for the day when one is down.
"""

from __future__ import annotations

from typing import Any

from django_redis.pool import ConnectionFactory
from redis.cluster import RedisCluster
from redis.connection import parse_url


class ClusterConnectionFactory(ConnectionFactory):
    """Connect to the cluster that a node of LOCATION belongs to."""

    # One client for each address: it keeps the map of the cluster, which takes a round trip.
    _pools: dict[str, Any] = {}  # noqa: RUF012

    def connect(self, url: str) -> Any:
        """Return the client of the cluster that this node belongs to.

        Raises:
            redis.exceptions.RedisClusterException: the node does not answer, or is in no cluster.
        """
        if url not in self._pools:
            # What OPTIONS says counts, and not what the address says: the gate's own timeouts come
            # as options, and no query string may lengthen them.
            options = {
                **parse_url(url),  # type: ignore[no-untyped-call]
                **self.make_connection_params(url),
                **self.pool_cls_kwargs,
                **self.redis_client_cls_kwargs,
            }
            # Each connection has its own parser, a cluster one database, and `retry` says the rest.
            for name in ("url", "parser_class", "db", "retry_on_timeout", "retry_on_error"):
                options.pop(name, None)
            self._pools[url] = RedisCluster(**options)
        return self._pools[url]

    def disconnect(self, connection: Any) -> None:
        """Close the connections to all nodes; the next command opens new ones."""
        connection.disconnect_connection_pools()

"""Redis Cluster: slots move and primaries die while people log in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import table
from tests.topologies import Cluster, redis_cluster
from tests.torture.conftest import Serve, often
from tests.torture.load import crowd

pytestmark = [pytest.mark.once, pytest.mark.torture]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with redis_cluster(tmp_path) as found:
        yield found


def test_logins_go_on_while_slots_move(cluster: Cluster, serve: Serve) -> None:
    """A record on its way is asked for where it was, and found where it is: nobody sees a 503."""
    row = table.row("Cluster: a slot with a record moved")
    with serve(cluster.caches()) as people, crowd(row, people) as everybody:
        everybody.go_on(len(people))
        for _ in range(often(long=20, short=1)):
            for source in cluster.primaries:
                target = next(node for node in cluster.primaries if node is not source)
                for slot in cluster.slots_in_use(source):
                    cluster.begin_move(slot, source, target)
                    cluster.end_move(slot, target)
                    row.moments += 1
            everybody.go_on(len(people))
    row.assert_safe()
    assert row.unavailable == 0


def test_logins_go_on_while_primaries_die(cluster: Cluster, serve: Serve) -> None:
    """Shut for those whose record lies there, until its replica answers."""
    row = table.row("Cluster: primary killed")
    with serve(cluster.caches()) as people, crowd(row, people) as everybody:
        everybody.go_on(len(people))
        for number in range(often(long=6, short=1)):
            node = cluster.primaries[number % 3]
            cluster.kill(node)
            row.moments += 1
            everybody.go_on(len(people))
            cluster.start_again(node)
            everybody.go_on(len(people))
    row.assert_safe()

"""What ran of an image, in whatever workload: whether something declared is ever loaded."""

import sqlite3

from aibom.agent.state.codec import bytes_of
from aibom.agent.state.rows import IMAGE
from aibom.agent.state.things import union
from aibom.compare.missing import Seen

_QUERY = """SELECT DISTINCT thing.digest, ref, names FROM owner
  JOIN sighting ON owner=owner.id JOIN thing ON thing=thing.id
  WHERE kind=? AND key=? AND sighting.seen>=?"""


def image_loads(connection: sqlite3.Connection, digest: str, age: float) -> Seen:
    """Return what was seen of an image since the state was of this age.

    What was watched for less than seven days says nothing about seven days.
    """
    found = connection.execute(_QUERY, (IMAGE, bytes_of(digest), age))
    return union((ref, names) for _, ref, names in found)

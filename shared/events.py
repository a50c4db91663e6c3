"""What the services ring each other with.

The doorbell carries nothing: it only says "look at the changes feed now". Losing one costs seconds, never a fact:
every gateway also looks by itself.
"""

DOORBELL = "parley:changes"

"""`hakit status`: where every database of a topology stands now, beside what is declared, in one screen.

`seen` asks a region's cluster; `judge` and `lag` are pure functions of the topology and of what was seen, so nearly
all of it is tested without a cluster.
"""

from hakit.status.document import StatusDocument, exit_code
from hakit.status.run import status
from hakit.status.text import status_text
from hakit.status.watching import watch

__all__ = ["StatusDocument", "exit_code", "status", "status_text", "watch"]

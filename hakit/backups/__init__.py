"""`hakit backups`: which backups exist in each region, which moments can be restored, and when a restore last worked.

`seen` asks a region's cluster; `document` and `text` are pure functions of what was seen.
"""

from hakit.backups.document import BackupsDocument, exit_code
from hakit.backups.run import backups
from hakit.backups.text import backups_text

__all__ = ["BackupsDocument", "backups", "backups_text", "exit_code"]

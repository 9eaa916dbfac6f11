"""`hakit preview`: run Pulumi programs without an engine and show what they would create.

`preview()` returns a document, `preview_text()` shows it. This process imports no Pulumi: each program runs in a
process of its own.
"""

from hakit.preview.answers import load_answers
from hakit.preview.document import PreviewDocument, StackDocument
from hakit.preview.manifests import check_folder, write_manifests
from hakit.preview.paint import Paint
from hakit.preview.run import exit_code, preview
from hakit.preview.text import preview_text

__all__ = [
    "Paint",
    "PreviewDocument",
    "StackDocument",
    "check_folder",
    "exit_code",
    "load_answers",
    "preview",
    "preview_text",
    "write_manifests",
]

"""Import this first where a second matters: it spares jsonschema a slow optional part.

To check internationalised addresses, which no notebook has, jsonschema would compile a grammar
with rfc3987_syntax, where that is installed.  It does without if the import fails.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

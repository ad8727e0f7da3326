"""A reader's own data: tables, arrays, pictures and films, and what they are fit for.

`read` takes what a reader has and refuses in plain words what will not do; `look` says what is odd
about the snapshots and what they are fit for.  Arrays are NumPy's; nothing here loads torch.
"""

from eqflow_nb.user_data.findings import Finding, Look, look
from eqflow_nb.user_data.reading import UserData, read

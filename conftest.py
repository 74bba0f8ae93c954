"""What all tests share, those of the notebooks included."""

import os

# Nobody's record of exercises is read or written by a test, nor by the kernels that it starts.
os.environ["PGUTILS_PROGRESS"] = ""

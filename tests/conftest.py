"""What all tests share: pictures without a screen, and properties that are the same on every machine."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch
from hypothesis import settings

matplotlib.use("Agg")

# The tensors here are so small that several threads would only wait for each other.
torch.set_num_threads(1)

# The same examples each time: a red test is red for everyone. No deadline: other work may share the processor.
settings.register_profile("pgutils", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("pgutils")


@pytest.fixture
def ax():
    """Fresh axes in the book's style, closed afterwards."""
    with plt.rc_context():
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)

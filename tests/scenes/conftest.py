"""The renderer, for tests that need it."""

import os

import pytest

from mvinverse_cli.errors import MvInverseError
from mvinverse_cli.scenes.renderer import start_mitsuba


@pytest.fixture
def renderer() -> None:
    """The renderer, without which a test is skipped; where MVINVERSE_ALL_TESTS is set it must be there."""
    try:
        start_mitsuba()
    except MvInverseError as error:
        if os.environ.get("MVINVERSE_ALL_TESTS"):
            raise
        pytest.skip(str(error))

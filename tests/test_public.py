"""The names that the README promises."""

import subprocess
import sys
import types

import pytest

import mvinverse_cli


@pytest.mark.parametrize("name", mvinverse_cli.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(mvinverse_cli, name) is not None


def test_decompose_is_the_function_whatever_was_imported_before():
    code = "import mvinverse_cli.shot.decompose; from mvinverse_cli import decompose; decompose.__call__"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert isinstance(mvinverse_cli.decompose, types.FunctionType)


def test_a_name_that_is_not_there_is_an_attribute_error():
    name = "relight"
    with pytest.raises(AttributeError, match="no attribute 'relight'"):
        getattr(mvinverse_cli, name)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, mvinverse_cli; assert not {'torch', 'numpy', 'av'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_network_is_found_in_its_room_too():
    from mvinverse_cli.model import ModelConfig, MVInverse, load_model

    assert (MVInverse, ModelConfig, load_model) == (
        mvinverse_cli.MVInverse,
        mvinverse_cli.ModelConfig,
        mvinverse_cli.load_model,
    )

"""Both forms of a network: what holds for the plain one holds for the fast one."""

import pytest

from sedsep.nnet.fast import accelerate


@pytest.fixture(params=[lambda network: network, accelerate], ids=["plain", "fast"])
def form(request):
    return request.param

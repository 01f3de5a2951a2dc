"""The kit's assertions explain themselves as those of test files do."""

import pytest

pytest.register_assert_rewrite("afresh.testing")

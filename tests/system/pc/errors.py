# SPDX-License-Identifier: MIT
"""The one exception of the test bed: its text is a line for the user."""


class PcError(Exception):
    """What is wrong, where, and what to do; shown without a traceback."""

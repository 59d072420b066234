"""Every error a user can mend, in one tree.

NstError
├── ImageError     a picture or mask that cannot be read, used or written
├── ConfigError    an option or a configuration file that makes no sense
├── ModelError     a style network or card that is missing or broken
├── WeightsError   loss-network weights that are missing, corrupt or of the wrong kind
├── StorageError   a store that cannot be reached or used, or holds no such file
└── BudgetError    the work does not fit in the memory, disk or time allowed

The command line turns any of these into one line and exit code 2.
"""


class NstError(Exception):
    """Something the user can mend; the message names the file or option and the fix."""


class ImageError(NstError):
    """A picture or mask that cannot be read, used or written."""


class ConfigError(NstError):
    """An option or a configuration file that makes no sense."""


class ModelError(NstError):
    """A style network or its card that is missing or broken."""


class WeightsError(NstError):
    """Loss-network weights that are missing, corrupt or of the wrong kind."""


class StorageError(NstError):
    """A store that cannot be reached or used, or holds no such file."""


class BudgetError(NstError):
    """The work does not fit in the memory, disk or time allowed."""

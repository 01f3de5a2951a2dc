"""The forms of a configuration, as the command line names them."""

from enum import StrEnum


class FormName(StrEnum):
    """A form of the configuration."""

    TOML = "toml"
    JSON = "json"

"""From validated settings to an instance of the options type that they were validated against."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from afresh.config.scalars import adapter_of
from afresh.core.errors import ConfigurationError


def typed(options_type: type, settings: Mapping[str, Any]) -> Any:
    """An instance of the options type; `ConfigurationError` for settings that do not fit it."""
    try:
        return adapter_of(options_type).validate_python(dict(settings))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in found['loc']) or options_type.__name__}: {found['msg']}"
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise ConfigurationError(f"the settings do not fit {options_type.__name__}: {told}") from None

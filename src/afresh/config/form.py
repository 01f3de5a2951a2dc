"""The two forms a configuration may be written in, and what each setting is called in them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a form differs from the other; `folds` says whether case counts in the names of settings."""

    name: str
    section: str
    table: str
    folds: bool

    def assignment(self, setting: str, value: str) -> str:
        """How a setting is given a value."""
        name = self.spelling(setting)
        return f'"{name}": {value}' if self.folds else f"{name} = {value}"

    def reference(self, kind: str, value: str) -> str:
        """How a reference to a secret is written."""
        return f"{{ {self.assignment(kind, value)} }}"

    def spelling(self, setting: str) -> str:
        """The name of a setting that has no name of its own in this form."""
        return "".join(part.capitalize() for part in setting.split("_")) if self.folds else setting

    def fold(self, key: str) -> str:
        """The key as it is compared with names of settings."""
        return key.lower() if self.folds else key


TOML = Form(name="toml", section="data_sync", table="table", folds=False)
JSON = Form(name="json", section="DataSync", table="object", folds=True)

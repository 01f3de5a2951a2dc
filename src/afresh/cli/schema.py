"""`afresh schema`: the JSON Schema of the configuration, for editors."""

from typing import Annotated

import typer

from afresh import wiring
from afresh.cli.arguments import Json
from afresh.cli.exits import Exit
from afresh.cli.forms import FormName
from afresh.cli.output import write_json
from afresh.config.schema import json_schema


def schema(
    form: Annotated[FormName, typer.Option(help="Which form of the configuration it describes.")] = FormName.TOML,
    json: Json = False,
) -> Exit:
    """Prints the JSON Schema of the configuration; it is JSON with and without --json."""
    del json
    write_json(json_schema(wiring.KINDS, "toml" if form is FormName.TOML else "json"))
    return Exit.GOOD

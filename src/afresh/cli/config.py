"""`afresh config`: the configuration in force, with the origin of each value and without secrets."""

from typing import Annotated

import typer

from afresh import wiring
from afresh.cli import configuration
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.exits import Exit
from afresh.cli.output import grid, results, say, shown, write, write_json
from afresh.config.effective import Parts, as_json, of_everything, of_table
from afresh.core.options import DEFAULT


def config(
    table: Annotated[str | None, typer.Argument(help="Only what holds for this table.", metavar="TABLE")] = None,
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Shows the settings that a service would have if it were started here and now, and where each was given.

    What may be a secret is not shown. No database is asked.
    """
    file = configuration.file(config)
    options = configuration.options(file)
    if table is None:
        found = of_everything(options, wiring.KINDS)
    else:
        found = of_table(options, table, wiring.KINDS, reached=True)
    if json:
        write_json({"file": str(file.absolute()), "table_name": table, "settings": as_json(found)})
    else:
        say(f"The configuration is {file}.")
        _show(found)
    return Exit.GOOD


def _show(found: Parts) -> None:
    for part, settings in found.items():
        write(part)
        listed = grid(("  Setting", "Value", "Given in"))
        for setting in settings:
            style = "dim" if setting.origin == DEFAULT else ""
            listed.add_row(shown(f"  {setting.name}", style), shown(setting.text, style), shown(setting.origin, style))
        results().print(listed)
        write("")

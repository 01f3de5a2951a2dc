"""What SQL Server cannot do of what the kit asks, each with its reason: strict expected failures, on the fake too."""

GAPS = {
    "test_text_keys_are_exact": "`=` and unique keys ignore blanks at the end of a text: such keys are refused",
    "test_types_as_keys[text]": "a key is at most 450 characters long: longer ones are refused",
    "test_types_as_keys[text(4000)]": "a key is at most 450 characters long: longer ones are refused",
    **dict.fromkeys(
        ("test_types_as_keys[text(1)]", "test_types_as_keys[text(10)]", "test_types_as_keys[text(255)]"),
        "`=` and unique keys ignore blanks at the end of a text: such keys are refused",
    ),
    "test_widths[swap-1000]": "a row of 1,000 bigint columns is longer than the 8,060 bytes of a page: it is refused",
    "test_widths[truncate-1000]": "a row of 1,000 bigint columns is longer than the 8,060 bytes of a page: refused",
}


READING = {
    "test_types[text]": "mssql-python drops a leading U+FEFF when it reads nvarchar(max); what is stored is right",
}
"""What the real driver cannot show, over the wire to whichever server."""

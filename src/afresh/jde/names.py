"""The fetchers that have a name of their own, and the one table that each of them brings."""

from collections.abc import Mapping
from types import MappingProxyType

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "JdeAddressBookFetcher": "F0101",
        "JdeBillOfMaterialFetcher": "F3002",
        "JdeBusinessUnitFetcher": "F0006",
        "JdeItemBranchFetcher": "F4102",
        "JdeItemCrossReferenceFetcher": "F4104",
        "JdeItemFetcher": "F4101",
        "JdeItemLocationFetcher": "F41021",
        "JdeLotFetcher": "F4108",
        # All rows of the item ledger. What a work order used are its issues (ILDCT 'IM', the lots that went in), joined
        # through the work order number (ILDOC) to its completion ('IC', the lot that came out).
        "JdeLotUsageFetcher": "F4111",
        "JdePurchaseOrderLineFetcher": "F4311",
        "JdeSalesOrderLineFetcher": "F4211",
        "JdeUserDefinedCodeFetcher": "F0005",
        "JdeWorkOrderFetcher": "F4801",
        "JdeWorkOrderPartFetcher": "F3111",
        "JdeWorkOrderRoutingFetcher": "F3112",
        "JdeWorkOrderTimeFetcher": "F31122",
    }
)
"""The table of JD Edwards by the fetcher's name."""

"""Fetchers that have a name of their own, each for one known table."""

from collections.abc import Mapping
from types import MappingProxyType

from afresh.core.kinds import FetcherKind
from afresh.fetchers.cms import CMS_MIS_DATA
from afresh.fetchers.jde import build
from afresh.jde.options import JdeOptions


def _jde(table: str) -> FetcherKind:
    return FetcherKind(options=JdeOptions, build=build, argument=table)


NAMED: Mapping[str, FetcherKind] = MappingProxyType(
    {
        "JdeAddressBookFetcher": _jde("F0101"),
        "JdeBillOfMaterialFetcher": _jde("F3002"),
        "JdeBusinessUnitFetcher": _jde("F0006"),
        "JdeItemBranchFetcher": _jde("F4102"),
        "JdeItemCrossReferenceFetcher": _jde("F4104"),
        "JdeItemFetcher": _jde("F4101"),
        "JdeItemLocationFetcher": _jde("F41021"),
        "JdeLotFetcher": _jde("F4108"),
        # All rows of the item ledger. What a work order used are its issues (ILDCT 'IM', the lots that went in), joined
        # through the work order number (ILDOC) to its completion ('IC', the lot that came out).
        "JdeLotUsageFetcher": _jde("F4111"),
        "JdePurchaseOrderLineFetcher": _jde("F4311"),
        "JdeSalesOrderLineFetcher": _jde("F4211"),
        "JdeUserDefinedCodeFetcher": _jde("F0005"),
        "JdeWorkOrderFetcher": _jde("F4801"),
        "JdeWorkOrderPartFetcher": _jde("F3111"),
        "JdeWorkOrderRoutingFetcher": _jde("F3112"),
        "JdeWorkOrderTimeFetcher": _jde("F31122"),
        "CmsMisDataFetcher": CMS_MIS_DATA,
    }
)
"""The kinds by name."""

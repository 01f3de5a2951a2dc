"""The decisions of Afresh, without any doing: no I/O, no clock, no threads, no logging.

The words used everywhere:

source system   a named connection to a database that is only read (JDE, CMS)
fetcher         what to read for one table, and how to turn it into rows
data source     one table to keep fresh (`DataSourceConfig`)
cache           the destination database
update type     Mass (everything), Daily or Hourly (a window by last-update stamp)
MinimumDT       the instant from which a fetch reads; none for everything
task            one sync that is due (`DataUpdateTask`)
staging         where a batch lands before it is merged
DataUpdate      the audit row of a sync
lease           the right to be alive or to write, with a fence number
event           something that happened
state           how a table stands, judged from facts (Fresh, Late, Stopped, ...)
cause           why it is not fresh, out of a closed list
action          something that a person asked of the service (pause, cancel, accept, ...)
"""

"""A JD Edwards shaped source to try things on: `source.create` makes one, `simulator.Simulator` keeps it changing.

The tables are those of the JD Edwards catalogue; every company, person and number in them is invented.
"""

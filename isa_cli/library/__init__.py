"""The front door: one object that indexes, searches, trains, explains and forgets.

The command line, the demo, a server and a notebook all enter here.
"""

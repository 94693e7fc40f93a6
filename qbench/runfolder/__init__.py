"""The run folder: its records and tables as types, how they are written and read, how earlier formats are upgraded.

It is the only way from the models to the statistics: the execution writes it, results, gate and report read it.
"""

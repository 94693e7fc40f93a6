"""Plan the cells of a spec, execute them, go on where a run stopped.

Not called ``run``: a subpackage of that name would take the place of the function `qbench.run` once it is imported.
"""

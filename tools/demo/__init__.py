"""How the demo's models are made: training on drawings, measurement on held-out drawings, model cards.

``python -m tools.demo.train`` and ``python -m tools.demo.evaluate --card``, started in the root of the repository.
This is not part of the distribution: it uses the drawing code of the plugin `qbench_demo` and writes its checkpoints.
"""

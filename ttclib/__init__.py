"""The library behind *From darts to decoding*, a course on test-time compute.

Each package holds one idea: ``sampling``, ``particles``, ``measure``, ``lm``, ``search``, ``show``;
``course`` holds what only one notebook uses. Import the module you need; importing ``ttclib``
itself loads nothing but this line.
"""

__version__ = "0.1.0"

"""The library behind *From darts to decoding*, a course on test-time compute.

Each module holds one idea: ``cost``, ``montecarlo``, ``markov``, ``mcmc``, ``resampling``,
``smc``, ``kalman``, ``hmm``, ``view``, ``check`` … Import the one you need; importing the package
itself loads nothing but this line.
"""

__version__ = "0.1.0"

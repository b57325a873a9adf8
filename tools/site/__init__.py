"""The static site: a map as its front, one page for each notebook, a glossary, and a search.

The notebooks are executed with ``TTC_STATIC=1``, so each view brings its pictures and a slider in
plain JavaScript. Formulas become MathML. Nothing is loaded from a network, neither while the site
is built nor while it is read, also where a page is opened as a file.

==================  ==========================================================================
``build.py``        executes the notebooks, side by side, and writes the folder
``sources.py``      which notebooks there are, in which language, and what their heads say
``cells.py``        the cells of a notebook as HTML
``fragment.py``     pictures become files, links lead to pages, headings get anchors
``glossary.py``     the words of notebook 00, and where each is introduced
``links.py``        what a page would load from a network, and which links lead nowhere
``words.json``      what the pages say by themselves, one table for each language
``*.html``          templates;  ``assets/`` is copied as it is
==================  ==========================================================================
"""

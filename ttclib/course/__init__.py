"""What serves one notebook each: its pictures (``figures``) and the checks of its exercises
(``checks``).
"""

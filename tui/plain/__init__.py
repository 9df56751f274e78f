"""Understudy as lines of text, for screen readers and for terminals that cannot draw.

A second front end over the same workspace, and not a mode of the full screen: a screen reader
follows what is appended to a terminal, and a program that moves the cursor and repaints, however
plainly, is read out of order or not at all. Here nothing is ever repainted: text is only added, in
the order in which things happen, and input is the terminal's own line.
"""

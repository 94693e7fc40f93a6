"""What is printed has no effect on the terminal: names and messages come from files that others may have written.

Everything that the command line prints goes through here: text through the streams of `qbench.terminal.streams`,
tables, bars and colours through `qbench.terminal.console.Terminal`. Control characters become visible
(``\\u001b``), and so do the escape sequences that begin with them; text is never read as rich's markup.
"""

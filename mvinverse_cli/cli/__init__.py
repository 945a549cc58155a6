"""The command line: the only code that parses arguments, prints or picks exit codes."""

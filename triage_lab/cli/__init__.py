"""The command line: arguments in, one verb called, text and exit code out."""

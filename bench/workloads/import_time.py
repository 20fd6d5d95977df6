"""`import`: a fresh interpreter that imports the framework, less an empty interpreter's start."""

TITLE = "`import`"
TARGET = 0.15
FRESH_PROCESS = True        # the worker measures the import itself instead of calling make()

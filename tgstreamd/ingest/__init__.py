"""The source side: what happens in the sources becomes jobs in the ledger.

`positions` keeps pushes and reads differences, `gaps` reads histories, `missed` asks for deletions that were
not told, `polls` about polls that may have ended, `trouble` says whose turn it is not, `careful` stands
before the reading port. Sends nothing.
"""

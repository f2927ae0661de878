"""The source side: what happens in the sources becomes jobs in the ledger.

`positions` keeps pushes and reads differences, `gaps` reads histories, `trouble` says whose turn it is not,
`careful` stands before the reading port. Sends nothing.
"""

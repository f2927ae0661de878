-- A job of which a part stands was attempted, also where an item of it was found to be gone.
UPDATE job SET attempts = 1 WHERE attempts = 0 AND state IN ('waiting', 'parked')
  AND EXISTS (SELECT 1 FROM send WHERE send.job = job.id AND send.state <> 'new');
-- How many changes of each kind were given up, and the last of them.
CREATE TABLE given_up (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  kind      TEXT    NOT NULL,
  n         INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  reason    TEXT    NOT NULL,
  at        REAL    NOT NULL,
  PRIMARY KEY (mirror, kind)
) STRICT, WITHOUT ROWID;

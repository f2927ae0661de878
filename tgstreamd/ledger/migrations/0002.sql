-- A change that Telegram refused is given up, and says why: who waits for it has to know.
ALTER TABLE change ADD COLUMN given_up TEXT NOT NULL DEFAULT '';
-- Where a difference begins that tells what became of an attempt; of older attempts nobody knows.
ALTER TABLE send ADD COLUMN position BLOB;
-- An upload that Telegram will make no file of is begun anew, also after a restart.
ALTER TABLE upload ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
-- All that a mirror ever sent stands above the message that was the newest at its first attempt.
ALTER TABLE mirror ADD COLUMN floor INTEGER;
UPDATE mirror SET floor = (SELECT min(send.floor_id) FROM send JOIN job ON job.id = send.job
  WHERE job.mirror = mirror.id AND send.attempted_at > 0);
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

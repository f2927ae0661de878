-- Whose holds and marks they are: so far, all are the reader's, but for what binds whoever writes to a target.
CREATE TABLE account (
  number INTEGER PRIMARY KEY,
  id     INTEGER UNIQUE,
  label  TEXT    NOT NULL,
  bot    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO account (number, id, label) VALUES (1, NULL, 'reader');

CREATE TABLE new_mark (
  account INTEGER NOT NULL,
  "key"   TEXT    NOT NULL,
  at      REAL    NOT NULL,
  cost    INTEGER NOT NULL,
  PRIMARY KEY (account, "key")
) STRICT, WITHOUT ROWID;
INSERT INTO new_mark (account, "key", at, cost)
  SELECT CASE WHEN "key" LIKE '%:%' THEN 0 ELSE 1 END, "key", at, cost FROM mark;
DROP TABLE mark;
ALTER TABLE new_mark RENAME TO mark;

CREATE TABLE new_hold (
  account INTEGER NOT NULL,
  scope   TEXT    NOT NULL,
  until   REAL    NOT NULL,
  reason  TEXT    NOT NULL,
  step    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, scope)
) STRICT, WITHOUT ROWID;
INSERT INTO new_hold (account, scope, until, reason, step) SELECT 1, scope, until, reason, step FROM hold;
DROP TABLE hold;
ALTER TABLE new_hold RENAME TO hold;

UPDATE fact SET "key" = 'backlog_tempo:1' WHERE "key" = 'backlog_tempo';

-- Why deletions wait, as a word to decide by.
ALTER TABLE mirror ADD COLUMN held_code TEXT NOT NULL DEFAULT '';
UPDATE mirror SET held_code = CASE WHEN held LIKE '%timer%' THEN 'timer' ELSE 'mass' END WHERE held <> '';

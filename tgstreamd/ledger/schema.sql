-- The schema of a new ledger. migrations/NNNN.sql brings an older one here (see CONTRIBUTING.md).
-- Times are seconds since 1970. A topic is 0 where there is none. Payloads are msgpack of tgstreamd.domain.messages.

-- One row for each pair of places that was ever mirrored; a removed mirror keeps its row.
CREATE TABLE mirror (
  id            INTEGER PRIMARY KEY,
  name          TEXT    NOT NULL,
  source        INTEGER NOT NULL,
  source_topic  INTEGER NOT NULL,
  target        INTEGER NOT NULL,
  target_topic  INTEGER NOT NULL,
  history       TEXT    NOT NULL,              -- as configured when it was created
  born_at       REAL    NOT NULL,
  active        INTEGER NOT NULL DEFAULT 1,    -- is in the current configuration
  hold          TEXT    NOT NULL DEFAULT '',   -- the reason of a pause by the operator
  waiting       TEXT    NOT NULL DEFAULT '',   -- the reason to wait for `resume` before the start
  lost          TEXT    NOT NULL DEFAULT '',   -- the reason of a pause for a chat out of reach
  held          TEXT    NOT NULL DEFAULT '',   -- the reason why deletions wait for the operator
  unchecked     INTEGER NOT NULL DEFAULT 1,    -- its target was not scanned yet since the start
  backlog_count INTEGER NOT NULL DEFAULT 0,    -- messages older than the first start
  backlog_since INTEGER NOT NULL DEFAULT 0,    -- date of the oldest of them
  last_error    TEXT    NOT NULL DEFAULT '',
  forum         INTEGER NOT NULL DEFAULT 0,    -- a whole forum, topic by topic
  face          BLOB,                          -- title, description, photo as the target shows them
  pinned_topics TEXT    NOT NULL DEFAULT '[]', -- topics of the source whose copies the target pins, in order
  floor         INTEGER,                       -- everything that it sent to its target is above this message
  held_code     TEXT    NOT NULL DEFAULT '',   -- why deletions wait: '', 'mass', 'timer'
  UNIQUE (source, source_topic, target, target_topic)
) STRICT;

-- The chat that an @name or a link was first resolved to.
CREATE TABLE name (
  ref  TEXT    PRIMARY KEY,
  chat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Basic groups that have become supergroups.
CREATE TABLE moved (
  old INTEGER PRIMARY KEY,
  new INTEGER NOT NULL
) STRICT;

-- Live positions: a channel's own, or chat 0 for the account's common one.
CREATE TABLE box (
  chat     INTEGER PRIMARY KEY,
  pts      INTEGER NOT NULL,
  qts      INTEGER NOT NULL,
  date     INTEGER NOT NULL,
  final_at REAL    NOT NULL DEFAULT 0          -- when a final difference was last read
) STRICT;

-- Per mirror and source chat: the id up to which everything was read, except gaps.
CREATE TABLE feed (
  mirror INTEGER NOT NULL REFERENCES mirror (id),
  chat   INTEGER NOT NULL,
  fed_to INTEGER NOT NULL,
  born_to INTEGER NOT NULL,                    -- the newest id at creation: later messages are live
  base    INTEGER NOT NULL DEFAULT 0,          -- added to its ids to get positions: a former group comes first
  PRIMARY KEY (mirror, chat)
) STRICT, WITHOUT ROWID;

-- Ids (next_id, end_id] that must still be read from the history.
CREATE TABLE gap (
  id       INTEGER PRIMARY KEY,
  mirror   INTEGER NOT NULL REFERENCES mirror (id),
  chat     INTEGER NOT NULL,
  lane     TEXT    NOT NULL CHECK (lane IN ('live', 'backlog')),
  next_id  INTEGER NOT NULL,
  end_id   INTEGER NOT NULL,
  remaining INTEGER NOT NULL DEFAULT 0         -- an estimate, for people
) STRICT;

-- Pending checks of what may have been missed: `deleted` (ask for the newest ids), `pinned` (ask for the list).
CREATE TABLE doubt (
  mirror INTEGER NOT NULL REFERENCES mirror (id),
  chat   INTEGER NOT NULL,
  what   TEXT    NOT NULL CHECK (what IN ('deleted', 'pinned')),
  PRIMARY KEY (mirror, chat, what)
) STRICT, WITHOUT ROWID;

-- The known pins of the sources.
CREATE TABLE pinned (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  id           INTEGER PRIMARY KEY,
  mirror       INTEGER NOT NULL REFERENCES mirror (id),
  kind         TEXT    NOT NULL DEFAULT 'copy' CHECK (kind IN ('copy', 'edit', 'delete', 'pin', 'topic')),
  lane         TEXT    NOT NULL CHECK (lane IN ('live', 'backlog')),
  ord          INTEGER NOT NULL,               -- its position in the lane: a source id plus its chat's base,
  sub          INTEGER NOT NULL DEFAULT 0,     -- -1 directly before it, 1 after it; 2 late, 3 replacing a copy
  chat         INTEGER NOT NULL,
  first_id     INTEGER NOT NULL,
  date         INTEGER NOT NULL,
  items        INTEGER NOT NULL DEFAULT 1,
  group_id     INTEGER,
  topic        INTEGER NOT NULL DEFAULT 0,     -- topic of the source
  follows      INTEGER REFERENCES job (id),    -- late items of that album: they reply to its first copy
  state        TEXT    NOT NULL DEFAULT 'waiting'
               CHECK (state IN ('waiting', 'open', 'done', 'skipped', 'parked')),
  reason       TEXT    NOT NULL DEFAULT '',
  released     INTEGER NOT NULL DEFAULT 1,     -- a position has passed it
  sealed       INTEGER NOT NULL DEFAULT 1,     -- no more items are expected
  last_item_at REAL    NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  not_before   REAL    NOT NULL DEFAULT 0,
  troubled     REAL    NOT NULL DEFAULT 0,     -- connected seconds of its own failures
  byline       INTEGER NOT NULL DEFAULT 1,     -- its author is named; 0: an earlier post names it
  placed       INTEGER NOT NULL DEFAULT 1,     -- its topic is named; 0: an earlier post names it
  host         INTEGER NOT NULL DEFAULT 0,     -- the source id of an album's item with added lines
  settled_at   REAL
) STRICT;
CREATE INDEX job_queue  ON job (mirror, lane, ord, sub, id) WHERE state IN ('waiting', 'open');
CREATE INDEX job_open   ON job (id) WHERE state = 'open';
CREATE INDEX job_parked ON job (id) WHERE state = 'parked';
CREATE INDEX job_unsealed ON job (chat) WHERE sealed = 0;
CREATE INDEX job_unreleased ON job (chat) WHERE released = 0;
CREATE INDEX job_album  ON job (mirror, group_id) WHERE group_id IS NOT NULL;

-- The source messages of a job. The payload is erased when the job is settled.
CREATE TABLE item (
  mirror    INTEGER NOT NULL,
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  job       INTEGER NOT NULL REFERENCES job (id),
  random_id INTEGER NOT NULL,                  -- chosen with the job
  pts       INTEGER NOT NULL DEFAULT 0,        -- of the push with it
  digest    TEXT    NOT NULL DEFAULT '',       -- of its stored state, which the copy shows
  media_id  INTEGER NOT NULL DEFAULT 0,        -- in that state
  payload   BLOB,
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_job ON item (job);

-- Polls that were open when last seen: no difference reports their end.
CREATE TABLE poll (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;

-- The calls that carry out a job, planned before the first is made.
CREATE TABLE send (
  job          INTEGER NOT NULL REFERENCES job (id),
  seq          INTEGER NOT NULL,
  state        TEXT    NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'open', 'accepted', 'done')),
  draft        BLOB,
  committed    BLOB,                           -- the attempted media, one per piece
  floor_id     INTEGER NOT NULL DEFAULT 0,
  attempted_at REAL    NOT NULL DEFAULT 0,
  run          TEXT    NOT NULL DEFAULT '',    -- which process attempted it
  position     BLOB,                           -- the target's live position at the attempt, for its difference
  PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

-- The map from source messages to their copies.
CREATE TABLE copy (
  random_id    INTEGER PRIMARY KEY,
  job          INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  idx          INTEGER NOT NULL,
  mirror       INTEGER NOT NULL,
  chat         INTEGER NOT NULL,
  source_id    INTEGER NOT NULL,
  target       INTEGER NOT NULL,
  fingerprint  TEXT    NOT NULL DEFAULT '',
  scheduled_id INTEGER,
  target_id    INTEGER
) STRICT;
CREATE INDEX copy_job    ON copy (job, seq, idx);
CREATE INDEX copy_source ON copy (mirror, chat, source_id);
CREATE UNIQUE INDEX copy_target ON copy (target, target_id) WHERE target_id IS NOT NULL;
CREATE INDEX copy_unmapped ON copy (target) WHERE target_id IS NULL;

-- Uploads in progress, before and during the turn of their job.
CREATE TABLE upload (
  job       INTEGER NOT NULL REFERENCES job (id),
  source_id INTEGER NOT NULL,
  thumb     INTEGER NOT NULL DEFAULT 0,
  media_id  INTEGER NOT NULL,
  file_id   INTEGER NOT NULL,
  size      INTEGER NOT NULL,
  name      TEXT    NOT NULL,
  small     INTEGER NOT NULL,
  "key"     INTEGER NOT NULL,                  -- parts are valid only for the key that sent them
  done      BLOB    NOT NULL,                  -- a bit per acknowledged part
  refusals  INTEGER NOT NULL DEFAULT 0,        -- times that Telegram created no file and gave no reason
  PRIMARY KEY (job, source_id, thumb)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_file ON upload (file_id);

-- Uploads that Telegram has turned into a document or photo.
CREATE TABLE committed (
  job       INTEGER NOT NULL REFERENCES job (id),
  source_id INTEGER NOT NULL,
  media_id  INTEGER NOT NULL,
  raw       BLOB    NOT NULL,
  PRIMARY KEY (job, source_id)
) STRICT, WITHOUT ROWID;

-- Changes of originals after their copies were made, for the change sender.
CREATE TABLE change (
  id         INTEGER PRIMARY KEY,
  mirror     INTEGER NOT NULL REFERENCES mirror (id),
  kind       TEXT    NOT NULL CHECK (kind IN ('edit', 'delete', 'pin', 'topic', 'order', 'chat')),
  chat       INTEGER NOT NULL,
  source_id  INTEGER NOT NULL,                 -- the message, or the topic; 0 for the chat
  payload    BLOB,                             -- its newest state
  first_at   REAL    NOT NULL,
  last_at    REAL    NOT NULL,
  not_before REAL    NOT NULL DEFAULT 0,
  attempts   INTEGER NOT NULL DEFAULT 0,
  given_up   TEXT    NOT NULL DEFAULT '',      -- why Telegram refuses it; this state is not tried again
  UNIQUE (mirror, kind, chat, source_id)
) STRICT;

-- Changes that were given up: how many of each kind, and the last of them.
CREATE TABLE given_up (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  kind      TEXT    NOT NULL,
  n         INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  reason    TEXT    NOT NULL,
  at        REAL    NOT NULL,
  PRIMARY KEY (mirror, kind)
) STRICT, WITHOUT ROWID;

-- The topics of source forums. The copy of the job that creates one is its counterpart.
CREATE TABLE topic (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  seen      INTEGER NOT NULL DEFAULT 0,        -- the newest service message about it
  state     BLOB    NOT NULL,                  -- its state in the source
  shown     BLOB,                              -- its state in the target; NULL until it is created
  unsure    INTEGER NOT NULL DEFAULT 0,        -- a change was attempted: the target may differ
  gone      INTEGER NOT NULL DEFAULT 0,        -- deleted in the source
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;

-- Originals that were deleted before their copies were made, although those are made.
CREATE TABLE vanished (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;

-- The last known titles of chats.
CREATE TABLE title (
  chat INTEGER PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;

-- Deletions of the last minutes: more than a few are a mass deletion.
CREATE TABLE deletion (
  mirror INTEGER NOT NULL,
  at     REAL    NOT NULL,
  n      INTEGER NOT NULL
) STRICT;

-- The last author in each place of a target, where its mirror names authors or topics.
CREATE TABLE voice (
  target INTEGER NOT NULL,
  topic  INTEGER NOT NULL,
  mirror INTEGER NOT NULL REFERENCES mirror (id),
  author TEXT    NOT NULL,
  at     INTEGER NOT NULL,                     -- date in the source
  place  INTEGER NOT NULL DEFAULT 0,           -- topic in the source, where that is named
  PRIMARY KEY (target, topic)
) STRICT, WITHOUT ROWID;

-- The accounts in use, by small numbers; 1 reads.
CREATE TABLE account (
  number INTEGER PRIMARY KEY,
  id     INTEGER UNIQUE,                       -- Telegram's; NULL until the first connect
  label  TEXT    NOT NULL,                     -- its name in the configuration
  bot    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO account (number, id, label) VALUES (1, NULL, 'reader');

-- The last send, its time and number of messages: an account's 'account', 'second' (changes), 'backlog'; and of
-- account 0, which is none, 'target:<id>' and 'second:<id>'.
CREATE TABLE mark (
  account INTEGER NOT NULL,
  "key"   TEXT    NOT NULL,
  at      REAL    NOT NULL,
  cost    INTEGER NOT NULL,
  PRIMARY KEY (account, "key")
) STRICT, WITHOUT ROWID;

-- Not before: 'account', 'method:<name>', 'chat:<id>', 'mirror:<id>' (a chat is asked about). Until when a login
-- that Telegram does not know is tried: 'login:<key>'.
CREATE TABLE hold (
  account INTEGER NOT NULL,
  scope   TEXT    NOT NULL,
  until   REAL    NOT NULL,
  reason  TEXT    NOT NULL,
  step    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, scope)
) STRICT, WITHOUT ROWID;

-- Single facts: the widened interval of an account's backlogs ('backlog_tempo:<number>'), what was told.
CREATE TABLE fact (
  "key" TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers of messages by state; kept by the triggers below, so that no query counts rows.
CREATE TABLE tally (
  mirror INTEGER NOT NULL,
  lane   TEXT    NOT NULL,
  state  TEXT    NOT NULL,
  n      INTEGER NOT NULL,
  PRIMARY KEY (mirror, lane, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_counted AFTER INSERT ON job WHEN NEW.kind IN ('copy', 'topic') BEGIN
  INSERT INTO tally VALUES (NEW.mirror, NEW.lane, NEW.state, NEW.items)
    ON CONFLICT DO UPDATE SET n = n + NEW.items;
END;
CREATE TRIGGER job_recounted AFTER UPDATE OF state, items, lane ON job WHEN NEW.kind IN ('copy', 'topic') BEGIN
  UPDATE tally SET n = n - OLD.items WHERE mirror = OLD.mirror AND lane = OLD.lane AND state = OLD.state;
  INSERT INTO tally VALUES (NEW.mirror, NEW.lane, NEW.state, NEW.items)
    ON CONFLICT DO UPDATE SET n = n + NEW.items;
END;
CREATE TRIGGER job_uncounted AFTER DELETE ON job WHEN OLD.kind IN ('copy', 'topic') BEGIN
  UPDATE tally SET n = n - OLD.items WHERE mirror = OLD.mirror AND lane = OLD.lane AND state = OLD.state;
END;

-- Counts skipped messages by reason, up to its first colon: 'skipped/service message'.
CREATE TRIGGER skip_counted AFTER INSERT ON job WHEN NEW.kind IN ('copy', 'topic') AND NEW.state = 'skipped' BEGIN
  INSERT INTO tally VALUES (NEW.mirror, NEW.lane,
      'skipped/' || substr(NEW.reason, 1, instr(NEW.reason || ':', ':') - 1), NEW.items)
    ON CONFLICT DO UPDATE SET n = n + NEW.items;
END;
CREATE TRIGGER skip_uncounted AFTER UPDATE OF state, items, lane, reason ON job
WHEN NEW.kind IN ('copy', 'topic') AND OLD.state = 'skipped' BEGIN
  UPDATE tally SET n = n - OLD.items WHERE mirror = OLD.mirror AND lane = OLD.lane
    AND state = 'skipped/' || substr(OLD.reason, 1, instr(OLD.reason || ':', ':') - 1);
END;
CREATE TRIGGER skip_recounted AFTER UPDATE OF state, items, lane, reason ON job
WHEN NEW.kind IN ('copy', 'topic') AND NEW.state = 'skipped' BEGIN
  INSERT INTO tally VALUES (NEW.mirror, NEW.lane,
      'skipped/' || substr(NEW.reason, 1, instr(NEW.reason || ':', ':') - 1), NEW.items)
    ON CONFLICT DO UPDATE SET n = n + NEW.items;
END;

-- Counts copies whose originals had been deleted by then.
CREATE TRIGGER rescue_counted AFTER UPDATE OF state ON job
WHEN NEW.state IN ('done', 'skipped') AND OLD.state <> NEW.state AND EXISTS (SELECT 1 FROM vanished) BEGIN
  INSERT INTO tally SELECT NEW.mirror, NEW.lane, 'rescued', count(*) FROM item CROSS JOIN vanished
      ON vanished.mirror = item.mirror AND vanished.chat = item.chat AND vanished.source_id = item.source_id
      WHERE item.job = NEW.id AND NEW.state = 'done' HAVING count(*) > 0
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM vanished WHERE mirror = NEW.mirror AND chat = NEW.chat
    AND source_id IN (SELECT source_id FROM item WHERE job = NEW.id);
END;

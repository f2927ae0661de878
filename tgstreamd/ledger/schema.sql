-- The ledger, as a new one is made. An older one gets here by migrations/NNNN.sql (see CONTRIBUTING.md).
-- Times are seconds since 1970. Topics are 0 where there is none. Payloads are msgpack of tgstreamd.domain.messages.

-- One row for each pair of places that was ever mirrored; a removed mirror keeps its row.
CREATE TABLE mirror (
  id            INTEGER PRIMARY KEY,
  name          TEXT    NOT NULL,
  source        INTEGER NOT NULL,
  source_topic  INTEGER NOT NULL,
  target        INTEGER NOT NULL,
  target_topic  INTEGER NOT NULL,
  history       TEXT    NOT NULL,              -- as it stood at birth
  born_at       REAL    NOT NULL,
  active        INTEGER NOT NULL DEFAULT 1,    -- stands in the present configuration
  hold          TEXT    NOT NULL DEFAULT '',   -- a pause of the operator's: its reason
  waiting       TEXT    NOT NULL DEFAULT '',   -- a start in waiting, until `resume`: its reason
  lost          TEXT    NOT NULL DEFAULT '',   -- a pause that Telegram's answer made: its reason
  held          TEXT    NOT NULL DEFAULT '',   -- deletions that wait for the operator: the reason
  unchecked     INTEGER NOT NULL DEFAULT 1,    -- its target was not yet looked through since the start
  backlog_count INTEGER NOT NULL DEFAULT 0,    -- messages older than the first start
  backlog_since INTEGER NOT NULL DEFAULT 0,    -- date of the oldest of them
  last_error    TEXT    NOT NULL DEFAULT '',
  forum         INTEGER NOT NULL DEFAULT 0,    -- a whole forum, topic by topic
  face          BLOB,                          -- title, description, photo as the target shows them
  pinned_topics TEXT    NOT NULL DEFAULT '[]', -- topics of the source, as the target pins their copies
  floor         INTEGER,                       -- all that it ever sent to its target stands above this message
  held_code     TEXT    NOT NULL DEFAULT '',   -- why deletions wait: '', 'mass', 'timer'
  UNIQUE (source, source_topic, target, target_topic)
) STRICT;

-- What an @name or a link meant when it was first resolved.
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

-- Per mirror and source chat: the id below which nothing is missing, gaps aside.
CREATE TABLE feed (
  mirror INTEGER NOT NULL REFERENCES mirror (id),
  chat   INTEGER NOT NULL,
  fed_to INTEGER NOT NULL,
  born_to INTEGER NOT NULL,                    -- the newest id at birth: above it everything is ours
  base    INTEGER NOT NULL DEFAULT 0,          -- added to its ids to get places: what it was before comes first
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

-- What may have been missed: `deleted`, the newest ids are to be asked for; `pinned`, the list of them.
CREATE TABLE doubt (
  mirror INTEGER NOT NULL REFERENCES mirror (id),
  chat   INTEGER NOT NULL,
  what   TEXT    NOT NULL CHECK (what IN ('deleted', 'pinned')),
  PRIMARY KEY (mirror, chat, what)
) STRICT, WITHOUT ROWID;

-- What is pinned in the sources, as far as is known.
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
  ord          INTEGER NOT NULL,               -- its place in the lane: a source id (and its chat's base),
  sub          INTEGER NOT NULL DEFAULT 0,     -- -1 directly before it, 1 behind it; 2 late, 3 in a copy's place
  chat         INTEGER NOT NULL,
  first_id     INTEGER NOT NULL,
  date         INTEGER NOT NULL,
  items        INTEGER NOT NULL DEFAULT 1,
  group_id     INTEGER,
  topic        INTEGER NOT NULL DEFAULT 0,     -- of the source
  follows      INTEGER REFERENCES job (id),    -- a late part of that album: answers its first copy
  state        TEXT    NOT NULL DEFAULT 'waiting'
               CHECK (state IN ('waiting', 'open', 'done', 'skipped', 'parked')),
  reason       TEXT    NOT NULL DEFAULT '',
  released     INTEGER NOT NULL DEFAULT 1,     -- a position has passed it
  sealed       INTEGER NOT NULL DEFAULT 1,     -- no more items are expected
  last_item_at REAL    NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  not_before   REAL    NOT NULL DEFAULT 0,
  troubled     REAL    NOT NULL DEFAULT 0,     -- connected seconds spent on trouble of its own
  byline       INTEGER NOT NULL DEFAULT 1,     -- its author is named; 0: the post before it does that
  placed       INTEGER NOT NULL DEFAULT 1,     -- its topic is named; 0: the post before it does that
  host         INTEGER NOT NULL DEFAULT 0,     -- of an album: the source id of the item with our lines
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
  random_id INTEGER NOT NULL,                  -- born with the job
  pts       INTEGER NOT NULL DEFAULT 0,        -- of the push that brought it
  digest    TEXT    NOT NULL DEFAULT '',       -- of what was kept of it, and so of what the copy shows
  media_id  INTEGER NOT NULL DEFAULT 0,        -- of that
  payload   BLOB,
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_job ON item (job);

-- Polls that took votes when they were last seen: no difference tells of their end.
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
  committed    BLOB,                           -- the media as it was attempted, one per piece
  floor_id     INTEGER NOT NULL DEFAULT 0,
  attempted_at REAL    NOT NULL DEFAULT 0,
  run          TEXT    NOT NULL DEFAULT '',    -- which process attempted it
  position     BLOB,                           -- the target's live position then, for its difference
  PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

-- The map: what each source message became.
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

-- Media on its way up, before and while its job has its turn.
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
  refusals  INTEGER NOT NULL DEFAULT 0,        -- times that Telegram made no file of its parts, nor said why
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

-- What happened to originals after their copies were made: the second clock carries it out.
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
  given_up   TEXT    NOT NULL DEFAULT '',      -- why Telegram will not have it; it is not tried again as it is
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

-- The topics of source forums. What one became is the copy of the job that made it.
CREATE TABLE topic (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  seen      INTEGER NOT NULL DEFAULT 0,        -- the newest service message about it
  state     BLOB    NOT NULL,                  -- as the source shows it
  shown     BLOB,                              -- as the target shows it; NULL until it is made
  unsure    INTEGER NOT NULL DEFAULT 0,        -- a change was begun: the target may look otherwise
  gone      INTEGER NOT NULL DEFAULT 0,        -- deleted in the source
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;

-- Originals that were deleted before their copies were made, where those are made all the same.
CREATE TABLE vanished (
  mirror    INTEGER NOT NULL REFERENCES mirror (id),
  chat      INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  PRIMARY KEY (mirror, chat, source_id)
) STRICT, WITHOUT ROWID;

-- What chats were called when they were last asked about.
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

-- Whose post stands last in a place of a target, where its mirror names authors or topics.
CREATE TABLE voice (
  target INTEGER NOT NULL,
  topic  INTEGER NOT NULL,
  mirror INTEGER NOT NULL REFERENCES mirror (id),
  author TEXT    NOT NULL,
  at     INTEGER NOT NULL,                     -- when it was said in the source
  place  INTEGER NOT NULL DEFAULT 0,           -- in which topic there, where that is named
  PRIMARY KEY (target, topic)
) STRICT, WITHOUT ROWID;

-- The accounts that we are logged in as, by small numbers; 1 reads.
CREATE TABLE account (
  number INTEGER PRIMARY KEY,
  id     INTEGER UNIQUE,                       -- Telegram's; NULL until the first connect
  label  TEXT    NOT NULL,                     -- what the configuration calls it
  bot    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO account (number, id, label) VALUES (1, NULL, 'reader');

-- When something was last sent, and how much: an account's 'account', 'second' (changes), 'backlog'; and of
-- account 0, which is nobody, 'target:<id>' and 'second:<id>'.
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

-- How many messages are in which state; kept by the triggers below, so that nobody has to count rows.
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

-- Skipped messages by reason, up to its first colon: 'skipped/service message'.
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

-- Copies whose originals had vanished by then.
CREATE TRIGGER rescue_counted AFTER UPDATE OF state ON job
WHEN NEW.state IN ('done', 'skipped') AND OLD.state <> NEW.state AND EXISTS (SELECT 1 FROM vanished) BEGIN
  INSERT INTO tally SELECT NEW.mirror, NEW.lane, 'rescued', count(*) FROM item CROSS JOIN vanished
      ON vanished.mirror = item.mirror AND vanished.chat = item.chat AND vanished.source_id = item.source_id
      WHERE item.job = NEW.id AND NEW.state = 'done' HAVING count(*) > 0
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
  DELETE FROM vanished WHERE mirror = NEW.mirror AND chat = NEW.chat
    AND source_id IN (SELECT source_id FROM item WHERE job = NEW.id);
END;

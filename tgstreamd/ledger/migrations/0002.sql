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

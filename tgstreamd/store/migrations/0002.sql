-- A change that Telegram refused is given up, and says why: who waits for it has to know.
ALTER TABLE change ADD COLUMN given_up TEXT NOT NULL DEFAULT '';
-- Where a difference begins that tells what became of an attempt; of older attempts nobody knows.
ALTER TABLE send ADD COLUMN position BLOB;

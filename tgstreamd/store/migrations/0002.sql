-- A change that Telegram refused is given up, and says why: who waits for it has to know.
ALTER TABLE change ADD COLUMN given_up TEXT NOT NULL DEFAULT '';
-- Where a difference begins that tells what became of an attempt; of older attempts nobody knows.
ALTER TABLE send ADD COLUMN position BLOB;
-- An upload that Telegram will make no file of is begun anew, also after a restart.
ALTER TABLE upload ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;

-- A ledger of schema 1 as one of schema 2.
CREATE TEMP VIEW change AS SELECT *, '' AS given_up FROM main.change;
CREATE TEMP VIEW send AS SELECT *, NULL AS position FROM main.send;
CREATE TEMP VIEW upload AS SELECT *, 0 AS refusals FROM main.upload;
CREATE TEMP VIEW mirror AS SELECT *, (SELECT min(send.floor_id) FROM main.send JOIN main.job
  ON job.id = send.job WHERE job.mirror = mirror.id AND send.attempted_at > 0) AS floor FROM main.mirror;

-- A ledger of schema 2 as one of schema 3.
CREATE TEMP VIEW given_up AS
  SELECT 0 AS mirror, '' AS kind, 0 AS n, 0 AS source_id, '' AS reason, 0.0 AS at WHERE 0;

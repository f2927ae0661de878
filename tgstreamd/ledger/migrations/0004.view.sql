-- A ledger of schema 3 as one of schema 4.
CREATE TEMP VIEW account AS SELECT 1 AS number, NULL AS id, 'reader' AS label, 0 AS bot;
CREATE TEMP VIEW mark AS
  SELECT CASE WHEN "key" LIKE '%:%' THEN 0 ELSE 1 END AS account, "key", at, cost FROM main.mark;
CREATE TEMP VIEW hold AS SELECT 1 AS account, scope, until, reason, step FROM main.hold;
CREATE TEMP VIEW fact AS
  SELECT CASE WHEN "key" = 'backlog_tempo' THEN 'backlog_tempo:1' ELSE "key" END AS "key", value FROM main.fact;
CREATE TEMP VIEW mirror AS
  SELECT *, CASE WHEN held = '' THEN '' WHEN held LIKE '%timer%' THEN 'timer' ELSE 'mass' END AS held_code
    FROM main.mirror;

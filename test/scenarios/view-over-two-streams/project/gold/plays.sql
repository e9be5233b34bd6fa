CREATE OR REFRESH STREAMING TABLE gold.plays;

CREATE FLOW web_plays AS INSERT INTO gold.plays BY NAME
SELECT 'web' AS origin, event_id, track FROM STREAM(silver.web) WHERE _op = 'upsert';

CREATE FLOW phone_plays AS INSERT INTO gold.plays BY NAME
SELECT 'phone' AS origin, event_id, track FROM STREAM(silver.phone) WHERE _op = 'upsert';

CREATE OR REFRESH MATERIALIZED VIEW gold.plays_by_track AS
SELECT track, count(*) AS plays, count(CASE WHEN origin = 'web' THEN 1 END) AS web,
  count(CASE WHEN origin = 'phone' THEN 1 END) AS phone
FROM gold.plays GROUP BY track;

CREATE OR REFRESH MATERIALIZED VIEW gold.plays AS
SELECT count(*) AS tracks, sum(plays) AS plays, max(plays) AS most FROM silver.tracks;

CREATE OR REFRESH MATERIALIZED VIEW gold.totals AS SELECT count(*) AS users FROM silver.users;

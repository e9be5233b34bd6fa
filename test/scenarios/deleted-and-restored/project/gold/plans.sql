CREATE OR REFRESH MATERIALIZED VIEW gold.plans AS
SELECT plan, count(*) AS users FROM silver.users GROUP BY plan;

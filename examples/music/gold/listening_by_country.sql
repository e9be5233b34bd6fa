-- What is listened to where, a day at a time.
CREATE OR REFRESH MATERIALIZED VIEW gold.listening_by_country AS
SELECT
  u.country,
  date_trunc('day', f.stream_timestamp) AS day,
  count(*) AS streams,
  sum(f.listen_duration) AS seconds
FROM silver.FactStream f
JOIN silver.DimUser u ON u.user_id = f.user_id
GROUP BY u.country, date_trunc('day', f.stream_timestamp);

-- How late the airlines were: minutes, summed and on average, over the flights that took place.
CREATE OR REFRESH MATERIALIZED VIEW gold.delays_by_carrier AS
SELECT
  a.carrier,
  a.name,
  count(*) AS flights,
  sum(CASE WHEN f.cancelled THEN 1 ELSE 0 END) AS cancelled,
  sum(f.dep_delay) AS departure_delay,
  sum(f.arr_delay) AS arrival_delay,
  avg(f.arr_delay) AS mean_arrival_delay
FROM silver.flights f
JOIN silver.airlines a ON a.carrier = f.carrier
GROUP BY a.carrier, a.name;

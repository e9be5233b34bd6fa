CREATE OR REFRESH STREAMING TABLE gold.user_history;

CREATE FLOW user_history AS AUTO CDC INTO gold.user_history
FROM STREAM(silver.users)
KEYS (user_id)
APPLY AS DELETE WHEN _op = 'delete'
SEQUENCE BY updated_at
STORED AS SCD TYPE 2;

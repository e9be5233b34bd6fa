CREATE OR REFRESH STREAMING TABLE gold.track_history;

CREATE FLOW track_history AS AUTO CDC INTO gold.track_history
FROM STREAM(silver.tracks)
KEYS (track_id)
APPLY AS DELETE WHEN _op = 'delete'
SEQUENCE BY updated_at
STORED AS SCD TYPE 2;

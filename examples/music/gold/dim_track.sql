-- Every version of a track.
CREATE OR REFRESH STREAMING TABLE gold.dim_track;

CREATE FLOW dim_track_cdc AS AUTO CDC INTO gold.dim_track
FROM STREAM(silver.DimTrack)
KEYS (track_id)
APPLY AS DELETE WHEN _op = 'delete'
SEQUENCE BY updated_at
STORED AS SCD TYPE 2;

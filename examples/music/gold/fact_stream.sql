-- One row a stream, as it is now.
CREATE OR REFRESH STREAMING TABLE gold.fact_stream;

CREATE FLOW fact_stream_cdc AS AUTO CDC INTO gold.fact_stream
FROM STREAM(silver.FactStream)
KEYS (stream_id)
APPLY AS DELETE WHEN _op = 'delete'
SEQUENCE BY stream_timestamp
STORED AS SCD TYPE 1;

-- Every state a user was ever in: __START_AT and __END_AT say from when to when.
CREATE OR REFRESH STREAMING TABLE gold.dim_user (
  CONSTRAINT valid_id EXPECT (user_id IS NOT NULL) ON VIOLATION DROP ROW
);

CREATE FLOW dim_user_cdc AS AUTO CDC INTO gold.dim_user
FROM STREAM(silver.DimUser)
KEYS (user_id)
APPLY AS DELETE WHEN _op = 'delete'
SEQUENCE BY updated_at
STORED AS SCD TYPE 2;

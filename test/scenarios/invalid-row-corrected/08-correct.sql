UPDATE streams SET seconds = 181 WHERE stream_id = 2;
UPDATE streams SET seconds = 5 WHERE stream_id = 3;

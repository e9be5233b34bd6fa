UPDATE streams SET seconds = NULL WHERE stream_id = 2;

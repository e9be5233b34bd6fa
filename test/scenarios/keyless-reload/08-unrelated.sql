INSERT INTO unrelated VALUES (1);

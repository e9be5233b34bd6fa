CREATE TABLE streams (stream_id int PRIMARY KEY, seconds int);
INSERT INTO streams VALUES (1, 200), (2, 180), (3, -5);

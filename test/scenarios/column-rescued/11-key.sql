ALTER TABLE tracks ALTER COLUMN track_id TYPE bigint;
INSERT INTO tracks VALUES (5000000000, 1, '1');
UPDATE tracks SET plays = 11 WHERE track_id = 1;
DELETE FROM tracks WHERE track_id = 3;

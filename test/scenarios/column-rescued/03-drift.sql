ALTER TABLE tracks ALTER COLUMN plays TYPE bigint, ALTER COLUMN seconds TYPE text, DROP COLUMN title;
UPDATE tracks SET plays = 5000000000, seconds = '3:20' WHERE track_id = 2;

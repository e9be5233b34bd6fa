ALTER TABLE tracks ALTER COLUMN plays TYPE bigint;
UPDATE tracks SET plays = 3000000000, updated_at = '2026-02-01' WHERE track_id = 2;

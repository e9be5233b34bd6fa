CREATE TABLE tracks (track_id int PRIMARY KEY, plays int, updated_at timestamptz NOT NULL);
INSERT INTO tracks VALUES (1, 10, '2026-01-01'), (2, 20, '2026-01-01');

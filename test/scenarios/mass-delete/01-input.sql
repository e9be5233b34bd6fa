CREATE TABLE users (user_id int PRIMARY KEY, plan text, updated_at timestamptz NOT NULL);

INSERT INTO users SELECT i, 'Free', '2026-01-01' FROM generate_series(1, 30) i;

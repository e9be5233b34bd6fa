CREATE TABLE users (user_id int PRIMARY KEY, plan text, updated_at timestamptz NOT NULL);

INSERT INTO users VALUES (1, 'Free', '2026-01-01 12:00:00Z');

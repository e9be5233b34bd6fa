CREATE TABLE users (user_id int PRIMARY KEY, plan text, updated_at timestamptz NOT NULL);

INSERT INTO users VALUES
  (1, 'Free', '2026-01-01 19:49:55Z'),
  (2, 'Free', '2026-01-01 19:49:55Z'),
  (3, 'Family', '2026-01-01 19:49:55Z');

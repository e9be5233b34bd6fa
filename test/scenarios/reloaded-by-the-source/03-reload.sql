BEGIN;
TRUNCATE users;
INSERT INTO users VALUES (1, 'Free', '2026-01-01'), (2, 'Premium', '2026-01-02'), (3, 'Free', '2026-01-01');
COMMIT;

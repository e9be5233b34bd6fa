-- session writer
BEGIN;
UPDATE users SET plan = 'Family', updated_at = '2026-01-02 12:00:00Z' WHERE user_id = 1;
INSERT INTO users VALUES (3, 'Premium', '2026-01-02 12:00:00Z');
PREPARE TRANSACTION 'scenario prepared-transaction';
-- session other
UPDATE users SET plan = 'Student', updated_at = '2026-01-03 12:00:00Z' WHERE user_id = 2;

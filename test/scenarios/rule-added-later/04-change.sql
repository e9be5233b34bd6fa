UPDATE users SET plan = 'Trial', updated_at = '2026-01-02' WHERE user_id = 2;
UPDATE users SET plan = 'Family', updated_at = '2026-01-02' WHERE user_id = 3;

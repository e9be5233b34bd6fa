UPDATE users SET plan = 'Family', updated_at = '2026-02-01' WHERE user_id = 1;

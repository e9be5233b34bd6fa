UPDATE users SET plan = 'Student', updated_at = '2026-04-01' WHERE user_id = 1;

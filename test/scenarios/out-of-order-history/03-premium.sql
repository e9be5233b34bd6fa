UPDATE users SET plan = 'Premium', updated_at = '2026-03-01' WHERE user_id = 1;
